import type { Container } from './shapes.js';
import type { Workload } from '../../../cluster/workloads.js';

type Probes = Pick<Container, 'startupProbe' | 'readinessProbe' | 'livenessProbe'>;

/** How long a start may take: a vault that was cut off checks what it holds first. */
const startup = { periodSeconds: 2, failureThreshold: 150, timeoutSeconds: 2 };
const readiness = { periodSeconds: 5, failureThreshold: 3, timeoutSeconds: 3 };
/** A minute without an answer of the event loop: a long computation is no reason to lose it. */
const liveness = { periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 };

/** Probes of a service: gRPC health for start and readiness, and apart from it whether the process answers at all. */
export function probesOf({ service, port, metricsPort }: Workload): Probes {
  const alive = { httpGet: { path: '/livez', port: metricsPort } };
  const livenessProbe = { ...alive, ...liveness };
  if (service === 'gateway') {
    return {
      startupProbe: { ...alive, ...startup },
      readinessProbe: { httpGet: { path: '/readyz', port }, ...readiness },
      livenessProbe,
    };
  }
  return {
    startupProbe: { grpc: { port }, ...startup },
    readinessProbe: { grpc: { port }, ...readiness },
    livenessProbe,
  };
}
