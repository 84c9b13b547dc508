import type { MemoryAction } from '../../api/memory-action.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import { tunableParameters } from '../../api/tuning-status.js';
import { keyOf } from '../../runtime/index.js';
import type { Caches } from './caches.js';

/** Who answers an action: a cluster, or nobody, for a reason. */
export type Addressee =
  | { readonly cluster: MemoryCluster }
  | {
      readonly refusal: string;
      /** What it is about may yet be made. */
      readonly mayCome: boolean;
    };

/**
 * Who answers an action. One on a profile is about a proposal, and proposals belong to clusters: it goes to the one that
 * made it.
 */
export function addresseeOf(caches: Caches, action: MemoryAction): Addressee {
  const { namespace = '' } = action.metadata;
  const { kind, name } = action.spec.target;
  const key = `${namespace}/${name}`;
  if (kind === 'MemoryCluster') {
    const cluster = caches.clusters.get(key);
    return cluster === undefined
      ? { refusal: `there is no MemoryCluster ${name}`, mayCome: true }
      : { cluster };
  }
  const users = [...caches.clusters.by('profile', key)].sort((a, b) =>
    a.metadata.name.localeCompare(b.metadata.name),
  );
  const { proposal = '' } = action.spec;
  const knowing = users.filter((cluster) => knows(cluster, proposal));
  if (knowing.length > 1) {
    const names = knowing.map(({ metadata }) => metadata.name).join(', ');
    return {
      refusal: `${proposal} is open in ${names}; name the MemoryCluster as the target`,
      mayCome: false,
    };
  }
  const cluster = knowing[0] ?? users[0];
  return cluster === undefined
    ? { refusal: `no MemoryCluster uses a TuningProfile ${name}`, mayCome: true }
    : { cluster };
}

/** The actions that a cluster answers, whether or not they were answered. */
export function answeredBy(caches: Caches, cluster: MemoryCluster): MemoryAction[] {
  const { namespace = '', name } = cluster.metadata;
  const profile = cluster.spec.tuningProfileRef?.name;
  const targets = [
    `${namespace}/MemoryCluster/${name}`,
    ...(profile === undefined ? [] : [`${namespace}/TuningProfile/${profile}`]),
  ];
  return targets
    .flatMap((target) => caches.actions.by('target', target))
    .filter((action) => {
      const addressee = addresseeOf(caches, action);
      return 'cluster' in addressee && keyOf(addressee.cluster) === keyOf(cluster);
    });
}

/** A proposal that is open in a cluster, or that was decided there. */
function knows({ status }: MemoryCluster, proposal: string): boolean {
  const tuning = status?.tuning;
  if (tuning === undefined) return false;
  const open = tunableParameters.some((name) => {
    const { state } = tuning.parameters[name];
    return state.phase === 'Proposed' && state.proposal.id === proposal;
  });
  return open || tuning.adjustments.some(({ id }) => id === proposal);
}
