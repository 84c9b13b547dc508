import type { ManifestProblem } from './problem.js';
import type { MemoryCluster } from './memory-cluster.js';
import { serviceNames } from './services-spec.js';

/**
 * What the local platform cannot run, though the manifest is valid: there the same YAML is refused with the reason,
 * instead of being accepted and ignored.
 */
export function localProblems({ spec }: MemoryCluster): ManifestProblem[] {
  const problems: ManifestProblem[] = [];
  const refuse = (path: string, value: unknown, reason: string) => problems.push({ path, value, reason });
  for (const name of serviceNames) {
    const { image, replicas } = spec.services[name];
    const path = `spec.services.${name}`;
    if (image !== undefined) {
      refuse(
        `${path}.image`,
        image,
        'processes of the local platform run an installed build; set spec.version',
      );
    }
    if (replicas !== 1)
      refuse(`${path}.replicas`, replicas, 'the local platform runs one process of each service');
  }
  if (spec.storage.engine !== 'lmdb') {
    refuse('spec.storage.engine', spec.storage.engine, 'the local platform keeps episodes in lmdb');
  }
  if (spec.bus.driver === 'redis' && spec.bus.redisSecret === undefined) {
    refuse(
      'spec.bus.driver',
      spec.bus.driver,
      'the local platform runs no Redis; set spec.bus.redisSecret and put the URL of one into secrets/NAME/KEY of TORI_HOME',
    );
  }
  if (spec.monitoring.prometheus !== undefined) {
    refuse(
      'spec.monitoring.prometheus.url',
      spec.monitoring.prometheus.url,
      'the local platform scrapes /metrics itself',
    );
  }
  return [...problems, ...gatewayProblems(spec.services.gateway)];
}

function gatewayProblems({
  autoscaling,
  exposure,
  service,
}: MemoryCluster['spec']['services']['gateway']): ManifestProblem[] {
  const path = 'spec.services.gateway';
  const loopback = 'the local gateway listens on loopback only';
  return [
    ...(autoscaling === undefined
      ? []
      : [
          {
            path: `${path}.autoscaling.maxReplicas`,
            value: autoscaling.maxReplicas,
            reason: 'the local platform runs one gateway',
          },
        ]),
    ...(service.type === 'ClusterIP'
      ? []
      : [{ path: `${path}.service.type`, value: service.type, reason: loopback }]),
    ...(exposure.type === 'Service'
      ? []
      : [{ path: `${path}.exposure.type`, value: exposure.type, reason: loopback }]),
  ];
}
