import type { MemoryClusterStatus } from '../../operator/api/memory-cluster.js';
import type { Adjustment } from '../../operator/api/tuning-status.js';
import type { AuditEntry } from './world.js';

/** Statuses of a cluster that were stored, oldest first. */
export function storedStatuses(audit: readonly AuditEntry[], cluster: string): MemoryClusterStatus[] {
  return audit.flatMap(({ verb, objectRef = {}, responseStatus, responseObject }) => {
    const { resource, subresource, name } = objectRef;
    const stored =
      verb === 'update' &&
      responseStatus?.code === 200 &&
      resource === 'memoryclusters' &&
      subresource === 'status' &&
      name === cluster;
    const status = responseObject?.status as MemoryClusterStatus | undefined;
    return stored && status !== undefined ? [status] : [];
  });
}

/**
 * The way a rollout took, as `state step share%`, each place once for each time that it was come to.
 * A step that was skipped is missing in it, one that was repeated is there twice.
 */
export function wayOf(statuses: readonly MemoryClusterStatus[]): string[] {
  const places = statuses.flatMap(({ rollout }) => {
    if (rollout === undefined) return [];
    const { state, run, table } = rollout;
    return [`${state} ${run === undefined ? '-' : run.step} ${table.basisPoints / 100}%`];
  });
  return places.filter((place, k) => place !== places[k - 1]);
}

/** Every adjustment that was ever stored, as it was last, oldest first. */
export function storedAdjustments(statuses: readonly MemoryClusterStatus[]): Adjustment[] {
  const all = new Map<string, Adjustment>();
  for (const { tuning } of statuses) for (const one of tuning?.adjustments ?? []) all.set(one.id, one);
  return [...all.values()];
}

/** What of a parameter's adjustments does not follow from the one before: something was done twice, or lost. */
export function brokenChain(adjustments: readonly Adjustment[]): string[] {
  return adjustments.flatMap(({ id, before, after }, k) => {
    const last = adjustments[k - 1];
    return last === undefined || endsOf(last).includes(before)
      ? []
      : [
          `${id}: ${before} → ${after} does not follow ${last.id}, ${last.before} → ${last.after} ${last.outcome}`,
        ];
  });
}

/** Values that an adjustment may have left behind. */
function endsOf({ before, after, outcome }: Adjustment): number[] {
  if (outcome === 'Reverted' || outcome === 'Rejected') return [before];
  return outcome === 'Interrupted' ? [before, after] : [after];
}

/**
 * Writes of operators that succeeded while the lease was another's. Events are left out: they tell, and nothing follows from
 * them.
 */
export function writesWithoutLease(audit: readonly AuditEntry[]): AuditEntry[] {
  let holder = '';
  return audit.filter(isOperatorsWrite).filter((entry) => {
    const username = entry.user?.username ?? '';
    if (entry.objectRef?.resource !== 'leases') return holder !== '' && username !== holder;
    const { spec } = (entry.responseObject ?? {}) as { spec?: { holderIdentity?: string } };
    holder = spec?.holderIdentity === '' ? '' : username;
    return false;
  });
}

function isOperatorsWrite(entry: AuditEntry): boolean {
  const { verb, userAgent = '', objectRef } = entry;
  const reads = ['get', 'list', 'watch'].includes(verb) || objectRef?.resource === 'events';
  return !reads && userAgent.startsWith('tori-operator') && succeeded(entry);
}

/** Whether the API server did what was asked. */
export function succeeded({ responseStatus }: AuditEntry): boolean {
  return (responseStatus?.code ?? 500) < 300;
}
