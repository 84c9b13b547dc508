import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { ManifestProblem } from '../../api/problem.js';

/** What the Kubernetes platform cannot run, though the manifest is valid: refused with the reason, not ignored. */
export function kubernetesProblems({ spec }: MemoryCluster): ManifestProblem[] {
  if (spec.storage.engine === 'lmdb') return [];
  const reason = 'this release keeps episodes in lmdb; postgres is not available yet';
  return [{ path: 'spec.storage.engine', value: spec.storage.engine, reason }];
}
