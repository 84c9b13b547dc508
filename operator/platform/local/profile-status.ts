import { setConditions } from '../../api/conditions.js';
import type { MemoryClusterStatus } from '../../api/memory-cluster.js';
import type { TuningProfile, TuningProfileStatus } from '../../api/tuning-profile.js';
import { tunableParameters } from '../../api/tuning-status.js';
import type { StoredResource } from './resources/store.js';

/** What a profile does in a cluster, mirrored from the cluster's status. */
export function profileStatus(
  profile: StoredResource<TuningProfile>,
  cluster: string,
  { tuning }: MemoryClusterStatus,
  now: Date,
): TuningProfileStatus {
  const { generation } = profile.metadata;
  const message = `tunes ${cluster}`;
  const ready = { type: 'Ready', status: 'True', reason: 'InUse', message } as const;
  return {
    observedGeneration: generation,
    conditions: setConditions(profile.status?.conditions ?? [], [ready], { generation, now }),
    targets:
      tuning === undefined
        ? []
        : [{ cluster, parameters: Object.fromEntries(tunableParameters.map(mirror)) }],
  };

  function mirror(name: (typeof tunableParameters)[number]) {
    const { value, source, state } = tuning!.parameters[name];
    const proposal = state.phase === 'Proposed' ? { proposal: state.proposal.id } : {};
    return [name, { value, source, phase: state.phase, ...proposal }] as const;
  }
}
