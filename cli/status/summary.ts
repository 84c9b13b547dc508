import { table } from '../output/table.js';
import { span } from '../output/time.js';
import type { Stored } from '../resources/access.js';
import { nextOf } from './next.js';

/** One line for each cluster, where there are several. */
export function summary(clusters: readonly Stored<'MemoryCluster'>[], now: number): string {
  return table(
    ['namespace', 'name', 'phase', 'stable', 'canary', 'weight', 'step', 'verdict', 'left', 'next'],
    clusters.map((cluster) => [
      ...placeOf(cluster),
      ...progressOf(cluster, now),
      nextOf(cluster, now)[0] ?? '',
    ]),
  );
}

function placeOf({ metadata, status }: Stored<'MemoryCluster'>): string[] {
  const stable = status?.rollout?.stableRevision ?? '-';
  return [metadata.namespace ?? '-', metadata.name, status?.phase ?? 'Unseen', stable];
}

function progressOf({ status }: Stored<'MemoryCluster'>, now: number): string[] {
  if (status?.canary === undefined) return ['-', '-', '-', '-', '-'];
  const { revision, weight, step, verdict = '-', eligibleAt } = status.canary;
  return [
    revision,
    weight,
    step,
    verdict,
    eligibleAt === undefined ? '-' : span(Date.parse(eligibleAt) - now),
  ];
}
