import pLimit from 'p-limit';
import { invalidArgument, ServiceError } from '../common/errors.js';
import { addGraph, danglingEdge } from './domain/add.js';
import { emptyGraph, type Graph } from './domain/graph.js';
import {
  chainOf,
  obsoleteVersions,
  planStorage,
  prunedSince,
  unprunedAfter,
  versionZero,
  type VersionRecord,
} from './domain/history.js';
import { softThreshold } from './domain/soft-threshold.js';
import { storedBytes } from './parts.js';
import type { GraphStore, TenantRecord } from './store.js';

/** A version of a graph with its content. */
export interface Snapshot {
  readonly record: VersionRecord;
  readonly graph: Graph;
}

/** A change that a sleep has computed. */
export interface Deltas {
  /** Version that they were computed on. */
  readonly baseVersion: number;
  /** Cursor that must be in force. */
  readonly expectedCursor: number;
  readonly newCursor: number;
  /** Episodes added, or taken out when negative. */
  readonly episodes: number;
  readonly change: Graph;
}

/** What a prune has done. */
export interface Pruned {
  /** Version that holds the result; the one in force before when there was no edge to prune. */
  readonly version: number;
  readonly edgesBefore: number;
  readonly edgesAfter: number;
}

/** What {@link Graphs} needs. */
export interface GraphsOptions {
  /** Versions that can be streamed and rolled back to, 1 or more. */
  readonly keepVersions: number;
  /** Called after every durable commit. */
  readonly onCommit?: (tenant: string, record: VersionRecord, before: VersionRecord) => void;
  readonly now?: () => number;
}

/** A step from the version in force to the next. */
interface Step {
  readonly tenant: string;
  readonly before: VersionRecord;
  readonly after: Pick<VersionRecord, 'parent' | 'change' | 'cursor' | 'episodes'>;
  readonly graph: Graph;
  /** What the change adds, when it is an addition. */
  readonly added?: Graph;
  readonly event: { readonly type: string; readonly attributes: Readonly<Record<string, string>> };
}

/** Graphs kept decoded in memory, over all tenants; the least recently used ones are read from disk again. */
const cachedGraphs = 16;

/**
 * The concept graphs of all tenants: every change is a new version, committed durably before it is seen.
 * Writes run one at a time, reads never wait: the graph that a reader holds is never written to.
 */
export class Graphs {
  readonly #store: GraphStore;
  readonly #options: GraphsOptions;
  readonly #writing = pLimit(1);
  /** Graphs in force by tenant, least recently used first. */
  readonly #cache = new Map<string, Snapshot>();

  constructor(store: GraphStore, options: GraphsOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** The record of the version in force, and what is known of the tenant. */
  head(tenant: string): { readonly tenant: TenantRecord; readonly record: VersionRecord } {
    const record = this.#store.tenant(tenant);
    return { tenant: record, record: this.#store.record(tenant, record.version) ?? versionZero };
  }

  /** Heads of all tenants that were ever written. */
  heads(): Map<string, VersionRecord> {
    return new Map(this.#store.tenants().map((tenant) => [tenant, this.head(tenant).record]));
  }

  /**
   * A version with its content; 0 means the one in force, which is empty for a tenant that was never written.
   * @throws NOT_FOUND when the version is not kept
   */
  snapshot(tenant: string, version: number): Snapshot {
    const { record } = this.head(tenant);
    if (version !== 0 && version !== record.version) {
      return { record: this.#kept(tenant, version), graph: this.#read(tenant, version) };
    }
    const cached = this.#cache.get(tenant);
    const current = cached?.record.version === record.version ? cached : undefined;
    return this.#remember(tenant, current ?? { record, graph: this.#read(tenant, record.version) });
  }

  /**
   * Adds deltas and moves the cursor. Deltas of an older version of the same line are rebased by addition, as
   * {@link addGraph} says.
   * @throws ABORTED when the cursor is not the expected one, or the base is not on the line in force or no longer kept
   * @throws INVALID_ARGUMENT when an edge has an end that is no node, or fewer than 0 episodes would remain
   */
  applyDeltas(tenant: string, deltas: Deltas): Promise<VersionRecord> {
    return this.#writing(async () => {
      const { record: before, graph } = this.snapshot(tenant, 0);
      this.#checkBase(tenant, before, deltas);
      const { change } = deltas;
      checkEnds(graph, change);
      const episodes = before.episodes + deltas.episodes;
      if (episodes < 0) {
        throw invalidArgument(
          'episodes',
          deltas.episodes,
          `${-before.episodes} or more: so many are counted`,
        );
      }
      const newEdgeAbove = prunedSince(this.#store.records(tenant), deltas.baseVersion);
      return this.#commit({
        tenant,
        before,
        graph: addGraph(graph, change, newEdgeAbove),
        added: change,
        after: {
          parent: before.version,
          change: { kind: 'deltas', newEdgeAbove },
          cursor: deltas.newCursor,
          episodes,
        },
        event: {
          type: 'sleep.committed',
          attributes: { cursor: String(deltas.newCursor), episodes: String(deltas.episodes) },
        },
      });
    });
  }

  /**
   * Soft threshold of every edge. A graph without edges stays as it is, and gets no new version.
   * @param signal stops the prune as long as its commit has not begun
   */
  prune(tenant: string, threshold: number, signal: AbortSignal): Promise<Pruned> {
    return this.#writing(async () => {
      signal.throwIfAborted();
      const { record: before, graph } = this.snapshot(tenant, 0);
      const { version, edges } = before;
      if (edges === 0) return { version, edgesBefore: 0, edgesAfter: 0 };
      const pruned = softThreshold(graph, threshold);
      await new Promise(setImmediate);
      signal.throwIfAborted();
      const removed = edges - pruned.edgeA.length;
      const after = await this.#commit({
        tenant,
        before,
        graph: pruned,
        after: { ...before, parent: version, change: { kind: 'prune', threshold } },
        event: {
          type: 'graph.pruned',
          attributes: { threshold: String(threshold), removedEdges: String(removed) },
        },
      });
      return { version: after.version, edgesBefore: edges, edgesAfter: after.edges };
    });
  }

  /**
   * Makes a kept version current again, as a new version; 0 means the one before the one in force.
   * @throws NOT_FOUND when it is not kept
   */
  rollback(tenant: string, version: number): Promise<VersionRecord> {
    return this.#writing(async () => {
      const before = this.head(tenant).record;
      const target = this.#kept(tenant, version === 0 ? before.version - 1 : version);
      return this.#commit({
        tenant,
        before,
        graph: this.snapshot(tenant, target.version).graph,
        after: { ...target, parent: target.version, change: { kind: 'rollback' } },
        event: { type: 'graph.rolled-back', attributes: { to: String(target.version) } },
      });
    });
  }

  /**
   * Fills an empty graph.
   * @throws FAILED_PRECONDITION when it is not empty, INVALID_ARGUMENT when an edge has an end that is no node
   */
  load(tenant: string, graph: Graph, at: { cursor: number; episodes: number }): Promise<VersionRecord> {
    return this.#writing(async () => {
      const before = this.head(tenant).record;
      if (before.nodes > 0) {
        throw new ServiceError(
          'FAILED_PRECONDITION',
          `tenant "${tenant}": the graph has ${before.nodes} nodes; only an empty graph can be loaded`,
        );
      }
      checkEnds(emptyGraph, graph);
      const loaded = addGraph(emptyGraph, graph, 0);
      return this.#commit({
        tenant,
        before,
        graph: loaded,
        added: loaded,
        after: { ...at, parent: 0, change: { kind: 'load' } },
        event: { type: 'graph.loaded', attributes: { cursor: String(at.cursor) } },
      });
    });
  }

  /** Resolves when no write is under way. */
  async idle(): Promise<void> {
    await this.#writing(() => Promise.resolve());
  }

  async #commit(step: Step): Promise<VersionRecord> {
    const { tenant, before, graph } = step;
    const record = this.#nextRecord(step);
    const known = this.#store.tenant(tenant);
    const oldestKept = Math.max(known.oldestKept, record.version - this.#options.keepVersions + 1);
    const removed = record.change.kind === 'prune' ? before.edges - record.edges : 0;
    await this.#store.commit({
      tenant,
      expectedVersion: before.version,
      head: { version: record.version, oldestKept, prunedEdges: known.prunedEdges + removed },
      record,
      content: record.whole ? graph : step.added,
      obsolete: obsoleteVersions([...this.#store.records(tenant), record], oldestKept),
      event: {
        type: step.event.type,
        tenant,
        timeUnixMs: record.committedUnixMs,
        attributes: {
          version: String(record.version),
          edges: String(record.edges),
          ...step.event.attributes,
        },
      },
    });
    this.#remember(tenant, { record, graph });
    this.#options.onCommit?.(tenant, record, before);
    return record;
  }

  #nextRecord({ tenant, before, after, graph, added }: Step): VersionRecord {
    const version = before.version + 1;
    const { parent, change, cursor, episodes } = after;
    const base = parent === 0 ? versionZero : this.#kept(tenant, parent);
    const committedUnixMs = (this.#options.now ?? Date.now)();
    const newLine = change.kind === 'rollback' || change.kind === 'load';
    return {
      version,
      parent,
      change,
      cursor,
      episodes,
      nodes: graph.nodeIds.length,
      edges: graph.edgeA.length,
      line: newLine ? version : before.line,
      unpruned: unprunedAfter(change, base, committedUnixMs),
      committedUnixMs,
      ...planStorage(base, added === undefined ? 0 : storedBytes(added), storedBytes(graph)),
    };
  }

  /** Replays a version's content from the whole version below it. */
  #read(tenant: string, version: number): Graph {
    const chain = chainOf(version, (wanted) => this.#store.record(tenant, wanted)!);
    return chain.reduce((graph, record) => this.#replay(tenant, graph, record), emptyGraph);
  }

  #replay(tenant: string, graph: Graph, { version, whole, change }: VersionRecord): Graph {
    if (version === 0) return emptyGraph;
    if (whole) return this.#store.content(tenant, version);
    if (change.kind === 'deltas')
      return addGraph(graph, this.#store.content(tenant, version), change.newEdgeAbove);
    if (change.kind === 'prune') return softThreshold(graph, change.threshold);
    return graph;
  }

  #kept(tenant: string, version: number): VersionRecord {
    const { version: newest, oldestKept } = this.#store.tenant(tenant);
    const record = version >= oldestKept ? this.#store.record(tenant, version) : undefined;
    if (record !== undefined) return record;
    const kept = newest === 0 ? 'none is kept' : `kept are ${oldestKept} to ${newest}`;
    throw new ServiceError('NOT_FOUND', `tenant "${tenant}": version ${version} is not kept; ${kept}`);
  }

  #checkBase(tenant: string, head: VersionRecord, { baseVersion, expectedCursor }: Deltas): void {
    const abort = (reason: string) => new ServiceError('ABORTED', `tenant "${tenant}": ${reason}`);
    if (expectedCursor !== head.cursor) {
      throw abort(`expected_cursor ${expectedCursor} is not the cursor in force, ${head.cursor}`);
    }
    if (baseVersion > head.version) {
      throw abort(`base_version ${baseVersion} is newer than the version in force, ${head.version}`);
    }
    if (baseVersion < head.line) {
      throw abort(
        `the graph was rolled back or loaded (version ${head.line}) after base_version ${baseVersion}`,
      );
    }
    const { oldestKept } = this.#store.tenant(tenant);
    if (baseVersion + 1 < oldestKept) {
      throw abort(
        `base_version ${baseVersion} is too old to rebase; versions are kept from ${oldestKept} on`,
      );
    }
  }

  #remember(tenant: string, snapshot: Snapshot): Snapshot {
    this.#cache.delete(tenant);
    this.#cache.set(tenant, snapshot);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > cachedGraphs && oldest !== undefined) this.#cache.delete(oldest);
    return snapshot;
  }
}

function checkEnds(graph: Graph, change: Graph): void {
  const edge = danglingEdge(graph, change);
  if (edge < 0) return;
  throw invalidArgument(
    'chunk.edge_a, edge_b',
    `${change.edgeA[edge]!}-${change.edgeB[edge]!}`,
    'two concepts that are nodes of the graph or of the change',
  );
}
