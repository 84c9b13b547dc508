import type { Condition } from '../../operator/api/resource.js';
import type { Stored } from '../resources/access.js';
import { columns, treeLines, type Branch } from '../output/tree.js';
import { age } from '../output/table.js';
import { legalNow, nextOf } from './next.js';
import { rolloutBranch } from './rollout-branch.js';
import { tuningBranch } from './tuning-branch.js';
import type { View } from './view.js';

/** The whole of a cluster as a tree: conditions, both tracks, verdict, tuning and what comes next. */
export function clusterTree(
  cluster: Stored<'MemoryCluster'>,
  profile: Stored<'TuningProfile'> | undefined,
  view: View,
): string {
  const { metadata, status } = cluster;
  const place = metadata.namespace === undefined ? '' : `${metadata.namespace}/`;
  const head = `${place}${metadata.name}  MemoryCluster  ${status?.phase ?? 'not seen by an operator yet'}`;
  if (status === undefined) return head;
  const children: Branch[] = [
    ...behind(cluster),
    { text: 'conditions', children: conditionsOf(status.conditions, view) },
    ...rolloutBranch(cluster, view),
    ...tuningBranch(cluster, profile, view),
    ...endpoints(status.endpoints),
    { text: 'next', children: nextOf(cluster, view.now).map((text) => ({ text })) },
    ...commands(cluster, view),
  ];
  return treeLines({ text: head, children }).join('\n');
}

/** A status that is about an older spec must not pass for news. */
function behind({ metadata, status }: Stored<'MemoryCluster'>): Branch[] {
  if (status === undefined || status.observedGeneration >= metadata.generation) return [];
  const { observedGeneration } = status;
  return [
    { text: `! the operator has seen generation ${observedGeneration}, the spec is ${metadata.generation}` },
  ];
}

const marks: Readonly<Record<Condition['status'], string>> = { True: '✔', False: '✖', Unknown: '?' };
const bad = ['Stalled', 'MetricsStale', 'CanaryStarved', 'TuningOscillates', 'TuningProfileMissing'];

/** Several conditions often say the same sentence: it is shown once. */
function conditionsOf(conditions: readonly Condition[], { now }: View): Branch[] {
  return conditions.map(({ type, status, reason, message, lastTransitionTime }, index) => {
    const mark = bad.includes(type) && status === 'True' ? '✖' : marks[status];
    const told = conditions.slice(0, index).some((earlier) => earlier.message === message);
    const text = `${mark} ${type}=${status} for ${age(lastTransitionTime, now)}  ${reason}`;
    return { text: told ? text : `${text}: ${message}` };
  });
}

function endpoints(all: Readonly<Record<string, string>>): Branch[] {
  const rows = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
  return rows.length === 0 ? [] : [{ text: 'endpoints', children: columns(rows).map((text) => ({ text })) }];
}

function commands(cluster: Stored<'MemoryCluster'>, { self }: View): Branch[] {
  const legal = legalNow(cluster);
  if (legal.length === 0) return [];
  return [
    {
      text: `commands now: ${legal.join(', ')}  (${self} ${legal[0]!} ${cluster.metadata.name} --reason "…")`,
    },
  ];
}
