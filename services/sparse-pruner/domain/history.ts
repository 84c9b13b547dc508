/** How a version came to be from its parent; `load` and version 0 have none. */
export type Change =
  | { readonly kind: 'deltas'; readonly newEdgeAbove: number }
  | { readonly kind: 'prune'; readonly threshold: number }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'load' };

/**
 * One version of a tenant's graph. Its content is stored whole, or follows from its parent's by the change; so history
 * is a forest whose roots are whole, and a rollback is a branch that costs nothing.
 */
export interface VersionRecord {
  readonly version: number;
  /** Version whose content the change applies to; 0 is the empty graph. */
  readonly parent: number;
  readonly change: Change;
  /** Last vault sequence that is part of the graph. */
  readonly cursor: number;
  /** Episodes that the counts stand for. */
  readonly episodes: number;
  readonly nodes: number;
  readonly edges: number;
  /** Version of the last rollback or load up to here: deltas computed before it do not apply. */
  readonly line: number;
  /** Commits of deltas since the last prune, and the time of the first of them (0 when there is none). */
  readonly unpruned: { readonly commits: number; readonly sinceUnixMs: number };
  readonly committedUnixMs: number;
  /** True when the content is stored whole. */
  readonly whole: boolean;
  /** Changes between here and the whole version below. */
  readonly chainLength: number;
  /** Bytes of those changes. */
  readonly chainBytes: number;
}

/** The version before the first. */
export const versionZero: VersionRecord = {
  version: 0,
  parent: 0,
  change: { kind: 'load' },
  cursor: 0,
  episodes: 0,
  nodes: 0,
  edges: 0,
  line: 0,
  unpruned: { commits: 0, sinceUnixMs: 0 },
  committedUnixMs: 0,
  whole: true,
  chainLength: 0,
  chainBytes: 0,
};

/** Changes replayed at most to read a version: 16 additions to a graph of a million edges take a quarter second. */
const maxChainLength = 16;

/**
 * Where the content of a new version goes. A change is logged as it is, until the changes since the last whole version
 * outweigh the graph itself: the bytes written stay within about twice the bytes of the changes, a small commit to a
 * large graph is a small write, and small graphs are simply stored whole.
 */
export function planStorage(
  parent: VersionRecord,
  changeBytes: number,
  graphBytes: number,
): Pick<VersionRecord, 'whole' | 'chainLength' | 'chainBytes'> {
  const chainLength = parent.chainLength + 1;
  const chainBytes = parent.chainBytes + changeBytes;
  const whole = chainBytes >= graphBytes || chainLength > maxChainLength;
  return whole ? { whole, chainLength: 0, chainBytes: 0 } : { whole, chainLength, chainBytes };
}

/**
 * Versions whose content has to be replayed to read `version`, from a whole one upwards.
 * @param find looks a record up; version 0 need not be known to it
 */
export function chainOf(version: number, find: (version: number) => VersionRecord): VersionRecord[] {
  const chain: VersionRecord[] = [];
  let record = version === 0 ? versionZero : find(version);
  chain.unshift(record);
  while (!record.whole) {
    record = record.parent === 0 ? versionZero : find(record.parent);
    chain.unshift(record);
  }
  return chain;
}

/** Versions below `oldestKept` that no kept version is replayed from. */
export function obsoleteVersions(records: readonly VersionRecord[], oldestKept: number): number[] {
  const byVersion = new Map(records.map((record) => [record.version, record]));
  const needed = new Set<number>();
  for (const { version } of records.filter((record) => record.version >= oldestKept)) {
    for (const link of chainOf(version, (wanted) => byVersion.get(wanted)!)) needed.add(link.version);
  }
  return [...byVersion.keys()].filter((version) => !needed.has(version));
}

/** The largest threshold that was pruned with after `base`, or 0: what a rebased change has to exceed. */
export function prunedSince(records: readonly VersionRecord[], base: number): number {
  return records
    .filter((record) => record.version > base)
    .reduce((most, { change }) => (change.kind === 'prune' ? Math.max(most, change.threshold) : most), 0);
}

/** What waits for a prune after a change to `base`. */
export function unprunedAfter(
  change: Change,
  base: VersionRecord,
  nowUnixMs: number,
): VersionRecord['unpruned'] {
  if (change.kind === 'prune') return versionZero.unpruned;
  if (change.kind !== 'deltas') return base.unpruned;
  const { commits, sinceUnixMs } = base.unpruned;
  return { commits: commits + 1, sinceUnixMs: commits === 0 ? nowUnixMs : sinceUnixMs };
}

/** When pruning starts by itself; 0 means never. */
export interface PruneSchedule {
  /** Longest time that committed deltas wait for a prune, in milliseconds. */
  readonly intervalMs: number;
  /** Commits of deltas after which a prune follows. */
  readonly afterCommits: number;
}

/**
 * Whether a graph is to be pruned now. Only what sleep has added since the last prune makes it due: soft thresholding
 * an idle graph again and again would wear every weight down to nothing.
 */
export function pruneIsDue(
  { edges, unpruned }: VersionRecord,
  schedule: PruneSchedule,
  nowUnixMs: number,
): boolean {
  if (edges === 0 || unpruned.commits === 0) return false;
  const { intervalMs, afterCommits } = schedule;
  if (afterCommits > 0 && unpruned.commits >= afterCommits) return true;
  return intervalMs > 0 && nowUnixMs - unpruned.sinceUnixMs >= intervalMs;
}
