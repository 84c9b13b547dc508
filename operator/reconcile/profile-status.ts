import { setConditions } from '../api/conditions.js';
import type { MemoryClusterStatus } from '../api/memory-cluster.js';
import type { TuningProfile, TuningProfileStatus } from '../api/tuning-profile.js';
import { tunableParameters, type TuningStatus } from '../api/tuning-status.js';

/** A cluster that names a profile, with its status. */
export interface ProfileUser {
  readonly name: string;
  readonly status: Pick<MemoryClusterStatus, 'tuning'> | undefined;
}

/** Clusters that a message lists by name. */
const named = 5;
/** Clusters that a status shows: one object of etcd holds 1.5 MiB, and each of its clusters' changes writes it. */
const shown = 100;

/** What a profile does in the clusters that name it, mirrored from their status. */
export function profileStatus(
  profile: TuningProfile,
  generation: number,
  users: readonly ProfileUser[],
  now: Date,
): TuningProfileStatus {
  const sorted = [...users].sort((a, b) => a.name.localeCompare(b.name));
  const names = sorted.map(({ name }) => name);
  const ready =
    names.length === 0
      ? { reason: 'Unused', message: 'no MemoryCluster names it' }
      : { reason: 'InUse', message: `tunes ${listed(names)}` };
  return {
    observedGeneration: generation,
    conditions: setConditions(
      profile.status?.conditions ?? [],
      [{ type: 'Ready', status: 'True', ...ready }],
      { generation, now },
    ),
    targets: sorted
      .slice(0, shown)
      .flatMap(({ name, status }) => (status?.tuning === undefined ? [] : [targetOf(name, status.tuning)])),
  };
}

function targetOf(cluster: string, tuning: TuningStatus): TuningProfileStatus['targets'][number] {
  const parameters = tunableParameters.map((name) => {
    const { value, source, state } = tuning.parameters[name];
    const proposal = state.phase === 'Proposed' ? { proposal: state.proposal.id } : {};
    return [name, { value, source, phase: state.phase, ...proposal }] as const;
  });
  return { cluster, parameters: Object.fromEntries(parameters) };
}

function listed(names: readonly string[]): string {
  const more = names.length - named;
  return more > 0 ? `${names.slice(0, named).join(', ')} and ${more} more` : names.join(', ');
}
