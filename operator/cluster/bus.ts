import type { MemoryCluster } from '../api/memory-cluster.js';
import type { Track } from './workloads.js';

/**
 * The variables by which a service finds the bus that its cluster asks for; none for the embedded one.
 * @param urlFile file in which the service finds the URL of Redis
 */
export function busEnvironment(
  { metadata, spec }: Pick<MemoryCluster, 'metadata' | 'spec'>,
  track: Track,
  urlFile: string,
): Record<string, string> {
  if (spec.bus.driver !== 'redis') return {};
  return {
    BUS_DRIVER: 'redis',
    BUS_PREFIX: `${metadata.namespace ?? 'default'}:${metadata.name}:${track}`,
    REDIS_URL_FILE: urlFile,
  };
}
