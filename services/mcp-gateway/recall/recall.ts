import pLimit from 'p-limit';
import type { Track } from '../../common/shards/shards.js';
import { tracksHolding, type ShardTable } from '../../common/shards/table.js';
import type { EpisodeStore, Found } from '../episodes/store.js';
import type { RequestContext, Router, TrackOutcome } from '../routing/router.js';
import { cosine, mergeCompletions, mergeRankings, type RankedHit } from './merge.js';
import { recallOnTrack, type TrackRecall } from './track-recall.js';

/** An episode that was recalled. The episode itself is there where it was asked for. */
export interface Hit extends RankedHit {
  readonly track: Track;
  readonly found: Found | undefined;
}

/** The answer to one cue. */
export interface Recalled {
  readonly completed: readonly { readonly concept: string; readonly score: number }[];
  readonly hits: readonly Hit[];
  readonly outcomes: readonly TrackOutcome<TrackRecall>[];
}

/** What is asked. */
export interface RecallRequest {
  readonly cue: ReadonlyMap<string, number>;
  /** How many concepts and episodes, 1 to 1000. */
  readonly limit: number;
  /** True: the episodes are read, for their time, source and labels. */
  readonly withEpisodes: boolean;
}

/** Reads that run at once for one cue. */
const concurrentReads = 16;

/** Recall over all tracks that hold a tenant's memory, merged into one answer. */
export class Recall {
  readonly #router: Router;
  readonly #store: EpisodeStore;

  constructor(router: Router, store: EpisodeStore) {
    this.#router = router;
    this.#store = store;
  }

  async recall(request: RecallRequest, context: RequestContext): Promise<Recalled> {
    const table = this.#router.tables.current();
    const outcomes = await this.#router.onEach(tracksHolding(table, context.tenant), context, (peers) =>
      recallOnTrack(peers, request.cue, request.limit, context),
    );
    const answers = outcomes.flatMap(({ track, result }) =>
      'value' in result ? [{ track, recall: result.value }] : [],
    );
    // Merging needs the episodes: scores of different tracks mean nothing to each other.
    const read = request.withEpisodes || answers.length > 1;
    const lists = await Promise.all(
      answers.map(async ({ track, recall }) =>
        read
          ? this.#read(track, recall, request.cue, context)
          : recall.ranked.map((hit) => unread(hit, track)),
      ),
    );
    return {
      completed: mergeCompletions(
        answers.map(({ track, recall }) => ({
          share: answers.length === 1 ? 1 : shareOf(table, track, context.tenant),
          completed: recall.completed,
        })),
        request.limit,
      ),
      hits: mergeRankings(lists, request.limit),
      outcomes,
    };
  }

  async #read(
    track: Track,
    recall: TrackRecall,
    cue: RecallRequest['cue'],
    context: RequestContext,
  ): Promise<Hit[]> {
    const limit = pLimit(concurrentReads);
    const hits = await limit.map(recall.ranked, async (ranked): Promise<Hit | undefined> => {
      const found = await this.#store.read(track, ranked.id, context);
      // Forgotten between the ranking and the reading.
      if (found === undefined) return undefined;
      return { ...ranked, track, similarity: cosine(cue, found.episode.concepts), found };
    });
    return hits.filter((hit) => hit !== undefined);
  }
}

function unread(hit: { readonly id: string; readonly score: number }, track: Track): Hit {
  return { ...hit, track, similarity: 0, found: undefined };
}

/** Part of a tenant's requests that a track serves. Where the tenant is the key that is all or nothing. */
function shareOf(table: ShardTable, track: Track, tenant: string): number {
  if (table.routingKey === 'tenant') return tracksHolding(table, tenant)[0] === track ? 1 : 0;
  const canary = table.canaryBasisPoints / 10_000;
  return track === 'canary' ? canary : 1 - canary;
}
