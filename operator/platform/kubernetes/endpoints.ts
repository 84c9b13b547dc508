import type { MemoryCluster } from '../../api/memory-cluster.js';
import { programs } from '../../cluster/workloads.js';
import { apiKeySecret as madeApiKey, hostOf, partName } from './render/names.js';

/** Where clients find a cluster, for people. */
export function endpointsOf({ metadata: { name, namespace = '' }, spec }: MemoryCluster) {
  const { exposure, apiKeySecret } = spec.services.gateway;
  const secret = apiKeySecret ?? madeApiKey(name);
  const scheme = exposure.type === 'Ingress' && exposure.tlsSecret === undefined ? 'http' : 'https';
  return {
    mcp: `http://${hostOf(namespace, partName(name, 'gateway'))}:${programs.gateway.port}/mcp`,
    apiKey: `Secret ${secret.name}, key ${secret.key}`,
    ...(exposure.type !== 'Service' &&
      exposure.host !== undefined && { outside: `${scheme}://${exposure.host}/mcp` }),
  };
}
