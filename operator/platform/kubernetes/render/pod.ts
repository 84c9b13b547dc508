import type { Container, PodSpec, PodTemplateSpec } from './shapes.js';
import { environmentOf } from './environment.js';
import { labels } from './names.js';
import { podLabels, selectorOf, type Part } from './part.js';
import { probesOf } from './probes.js';
import { resourcesOf } from './resources.js';
import { schedulingOf } from './scheduling.js';
import { containerSecurity, podSecurity } from './security.js';
import { mountsOf, volumeMountsOf, volumesOf } from './volumes.js';

/** Drain time of a service that its environment does not set; see services/common/config. */
const defaultDrainMs = 10_000;
/** What closing the stores may take after the drain. */
const closeSeconds = 20;
/** How long a gateway that ends still takes requests: until every proxy has taken it out. */
const lingerSeconds = 5;

/** The pod of a part. */
export function podTemplateOf(part: Part): PodTemplateSpec {
  const { workload } = part;
  const revision = workload.service === 'gateway' ? {} : { [labels.revision]: workload.revision };
  const { annotations } = workload.pod;
  return {
    metadata: {
      labels: { ...podLabels(part), ...revision },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: podOf(part),
  };
}

function podOf(part: Part): PodSpec {
  const { cluster, workload } = part;
  const mounts = mountsOf(part);
  return {
    serviceAccountName: cluster.metadata.name,
    automountServiceAccountToken: false,
    // Variables such as MEMORY_VAULT_PORT of the Services around would only get in the way of ours.
    enableServiceLinks: false,
    securityContext: podSecurity,
    terminationGracePeriodSeconds: graceSeconds(part),
    ...schedulingOf(workload.pod, selectorOf(part)),
    containers: [{ ...containerOf(part), volumeMounts: volumeMountsOf(mounts) }],
    volumes: volumesOf(mounts),
  };
}

function containerOf(part: Part): Container {
  const { cluster, workload, options } = part;
  const { imagePullPolicy } = cluster.spec;
  const gateway = workload.service === 'gateway';
  return {
    name: workload.program,
    image: workload.image ?? `${options.image}:${workload.version}`,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    command: ['node', `dist/services/${workload.program}/main.js`],
    env: environmentOf(part),
    ports: [
      { name: gateway ? 'http' : 'grpc', containerPort: workload.port },
      { name: 'metrics', containerPort: workload.metricsPort },
    ],
    ...probesOf(workload),
    // The single writers have nobody to hand over to: for them the wait would only make the gap longer.
    ...(gateway && { lifecycle: { preStop: { sleep: { seconds: lingerSeconds } } } }),
    resources: resourcesOf(workload.service, workload.resources),
    // A wrong configuration ends in one line on stderr, which the pod's status then tells.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: containerSecurity,
  };
}

/** A drain is never cut short: it begins after the linger, lasts as long as the service lets it, and then stores close. */
function graceSeconds({ workload: { env, service } }: Part): number {
  const drainMs = Number(env['DRAIN_TIMEOUT_MS'] ?? defaultDrainMs);
  const drain = Math.ceil((Number.isFinite(drainMs) && drainMs >= 0 ? drainMs : defaultDrainMs) / 1000);
  return drain + closeSeconds + (service === 'gateway' ? lingerSeconds : 0);
}
