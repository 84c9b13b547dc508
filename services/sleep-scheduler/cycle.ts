import type { ConsolidationCycle } from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import { ServiceError } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import { refusalOf } from './acceptance.js';
import type { GraphDelta, LearnOutcome, LearnParameters } from './domain/learn-types.js';
import { learnInThread } from './learner.js';
import { deltaChunks, type GraphHead, type GraphSource } from './graph-source.js';
import type { Peers } from './peers.js';
import { nextBatch, rehearsalBatch, type Batch } from './replay.js';
import type { TotalsStore } from './totals.js';

/** What cycles work with. */
export interface CycleContext {
  readonly peers: Peers;
  readonly graphs: GraphSource;
  readonly totals: TotalsStore;
  readonly parameters: () => LearnParameters;
  /** Most log entries of one cycle. */
  readonly batchEntries: number;
  readonly logger: Logger;
  readonly onCycle: (cycle: ConsolidationCycle, result: CycleResult, edgeUpdates: number) => void;
}

/** How a cycle ended. */
export type CycleResult = 'accepted' | 'rejected' | 'quarantined';

/** What one cycle is asked for. */
export interface CycleRequest {
  readonly tenant: string;
  readonly seed: number;
  /** Go over the newest episodes again when there is no new one. */
  readonly rehearse: boolean;
  readonly signal: AbortSignal;
}

/** Refusals of a batch at the learning rate in force; after them one attempt at half of it is left. */
const attemptsAtFullRate = 3;
/** How often a commit that another one has overtaken is computed anew. */
const commitAttempts = 5;

/**
 * Runs consolidation cycles, each a transaction: it learns on a copy, and graph and cursor are committed together, or
 * nothing is. A batch that is refused again and again is put aside: its episodes are counted and pass the cursor, but its
 * weights are not learned, so that it never blocks what comes after it.
 */
export class Cycles {
  readonly #context: CycleContext;
  /** Refusals in a row of the batch after a cursor, by tenant. */
  readonly #refusals = new Map<string, { readonly cursor: number; readonly count: number }>();

  constructor(context: CycleContext) {
    this.#context = context;
  }

  /** One cycle; undefined when there is nothing to learn from. */
  async run(request: CycleRequest): Promise<ConsolidationCycle | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request);
      } catch (thrown) {
        const error = ServiceError.from(thrown);
        // Another sleep, a rollback or a seeding was faster: what was computed no longer fits the graph.
        if (error.code !== 'ABORTED' || attempt === commitAttempts) throw error;
        this.#context.logger.info(
          { tenant: request.tenant, reason: error.message },
          'the graph moved on; computing anew',
        );
      }
    }
  }

  async #attempt(request: CycleRequest): Promise<ConsolidationCycle | undefined> {
    const { tenant, signal } = request;
    const startedAt = performance.now();
    const head = await this.#context.graphs.head(tenant, signal);
    const batch = await this.#batch(request, head.cursor);
    if (batch === undefined) return undefined;
    if (batch.episodes.length === 0) {
      // Tombstones alone: nothing to learn, but the cursor passes them.
      if (!batch.rehearsal) await this.#commit(request, head, batch, emptyDelta(0));
      return undefined;
    }
    const refusals = this.#refusalsAt(tenant, head.cursor);
    const parameters = rateFor(this.#context.parameters(), refusals);
    const { seed } = request;
    const { episodes, rehearsal } = batch;
    const outcome = await learnInThread({ graph: head.graph, episodes, rehearsal, parameters, seed }, signal);
    const reason = refusalOf(outcome);
    const result = resultOf(reason, refusals, batch);
    const version = await this.#settle(request, { head, batch, outcome, result });
    const cycle = this.#record(request, { batch, outcome, result, reason, version, parameters });
    const timed = { ...cycle, durationMs: performance.now() - startedAt };
    const committedEdges = result === 'accepted' ? outcome.edgesChanged : 0;
    this.#context.onCycle(timed, result, committedEdges);
    return timed;
  }

  async #batch({ tenant, rehearse, signal }: CycleRequest, cursor: number): Promise<Batch | undefined> {
    const { peers, batchEntries: limit } = this.#context;
    const next = await nextBatch(peers, { tenant, cursor, limit }, signal);
    if (next !== undefined || !rehearse || cursor === 0) return next;
    return rehearsalBatch(peers, { tenant, cursor, limit }, signal);
  }

  #refusalsAt(tenant: string, cursor: number): number {
    const refusals = this.#refusals.get(tenant);
    return refusals?.cursor === cursor ? refusals.count : 0;
  }

  /** Commits what the result allows; returns the version that holds it, or 0. */
  async #settle(
    request: CycleRequest,
    {
      head,
      batch,
      outcome,
      result,
    }: { head: GraphHead; batch: Batch; outcome: LearnOutcome; result: CycleResult },
  ): Promise<number> {
    const { tenant } = request;
    if (result === 'rejected') {
      const count = this.#refusalsAt(tenant, head.cursor) + 1;
      this.#refusals.set(tenant, { cursor: head.cursor, count });
      return 0;
    }
    this.#refusals.delete(tenant);
    return this.#commit(
      request,
      head,
      batch,
      result === 'accepted' ? outcome.delta : countsOf(outcome.delta),
    );
  }

  async #commit(
    { tenant, signal }: CycleRequest,
    head: GraphHead,
    batch: Batch,
    delta: GraphDelta,
  ): Promise<number> {
    signal.throwIfAborted();
    const header = {
      tenant,
      baseVersion: head.version,
      expectedCursor: head.cursor,
      newCursor: batch.lastSequence,
      episodes: delta.episodes,
    };
    const parts = (function* () {
      for (const chunk of deltaChunks(delta)) yield { ...header, chunk };
    })();
    // From here on the commit is awaited even when the run is cancelled, so that its outcome is known.
    const { version } = await this.#context.peers.pruner.applyDeltas(parts);
    return version;
  }

  #record(
    { tenant, seed }: CycleRequest,
    facts: {
      batch: Batch;
      outcome: LearnOutcome;
      result: CycleResult;
      reason: string | undefined;
      version: number;
      parameters: LearnParameters;
    },
  ): ConsolidationCycle {
    const { batch, outcome, result, reason = '', version, parameters } = facts;
    const episodes = batch.episodes.length;
    const totals = this.#context.totals.add(tenant, {
      cycles: 1,
      accepted: result === 'accepted' ? 1 : 0,
      quarantined: result === 'quarantined' ? 1 : 0,
      episodesReplayed: result === 'accepted' ? episodes : 0,
    });
    const { energyBefore, energyAfter, energyDropRatio, settleLoops, completionBefore, completionAfter } =
      outcome;
    return {
      cycle: totals.cycles,
      episodes,
      energyBefore,
      energyAfter,
      energyDropRatio,
      settleLoops,
      completionBefore,
      completionAfter,
      accepted: result === 'accepted',
      reason: result === 'quarantined' ? `put aside: ${reason}` : reason,
      graphVersion: version,
      edgesChanged: outcome.edgesChanged,
      durationMs: 0,
      parameters,
      seed,
    };
  }
}

function resultOf(reason: string | undefined, refusals: number, batch: Batch): CycleResult {
  if (reason === undefined) return 'accepted';
  return refusals >= attemptsAtFullRate && !batch.rehearsal ? 'quarantined' : 'rejected';
}

function rateFor(parameters: LearnParameters, refusals: number): LearnParameters {
  if (refusals < attemptsAtFullRate) return parameters;
  return { ...parameters, learningRate: parameters.learningRate / 2 };
}

/** The counts of a delta without what it has learned. */
function countsOf({ episodes, nodeIds, nodeCounts }: GraphDelta): GraphDelta {
  return { ...emptyDelta(episodes), nodeIds, nodeCounts };
}

function emptyDelta(episodes: number): GraphDelta {
  const none = new Uint32Array();
  const nothing = new Float32Array();
  return {
    episodes,
    nodeIds: none,
    nodeCounts: nothing,
    edgeA: none,
    edgeB: none,
    edgeWeights: nothing,
    edgeSupport: nothing,
  };
}
