import type { ServicePort, ServiceSpec } from './shapes.js';
import { headlessName } from './names.js';
import { child, type RenderedObject } from './object.js';
import { nameOf, partLabels, selectorOf, type Part } from './part.js';

/** The Service of a part, and the headless one that a StatefulSet needs. */
export function serviceObjects(part: Part): RenderedObject[] {
  const { cluster, workload } = part;
  const name = nameOf(part);
  const head = { apiVersion: 'v1', kind: 'Service', labels: partLabels(workload) };
  const { annotations } = cluster.spec.services[workload.service].service;
  const front = (spec: ServiceSpec) => child(cluster, { ...head, name, annotations }, { spec });
  const more = (suffixed: string, spec: ServiceSpec) => child(cluster, { ...head, name: suffixed }, { spec });
  const metrics = port('metrics', workload.metricsPort, 'http');
  if (workload.service === 'gateway') {
    const { type } = cluster.spec.services.gateway.service;
    const http = port('http', workload.port, 'http');
    if (type === 'ClusterIP') return [front(inside(part, [http, metrics]))];
    // Metrics are not for those to whom a load balancer or a port of every node is open.
    return [front({ ...inside(part, [http]), type }), more(`${name}-metrics`, inside(part, [metrics]))];
  }
  const service = front(inside(part, [port('grpc', workload.port, h2c), metrics]));
  return workload.volume === undefined ? [service] : [service, more(headlessName(name), headless(part))];
}

/** HTTP/2 without TLS, as the Gateway API names it. */
const h2c = 'kubernetes.io/h2c';

function inside(part: Part, ports: readonly ServicePort[]): ServiceSpec {
  return { type: 'ClusterIP', selector: selectorOf(part), ports };
}

/** It has no port for metrics: whoever scrapes Services would count every pod twice. */
function headless(part: Part): ServiceSpec {
  const ports = [port('grpc', part.workload.port, h2c)];
  return { ...inside(part, ports), clusterIP: 'None', publishNotReadyAddresses: true };
}

function port(name: string, number: number, appProtocol: string): ServicePort {
  return { name, port: number, targetPort: name, protocol: 'TCP', appProtocol };
}
