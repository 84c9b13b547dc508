import { encodeActivations, sparseVector } from '../../common/activations/activations.js';
import type { TrackPeers } from '../routing/peers.js';
import type { RequestContext } from '../routing/router.js';
import { settings } from '../episodes/store.js';

/** What one track recalls of a cue. */
export interface TrackRecall {
  /** Concepts that the network filled in, by what it expects of them (0 nothing, 1 certain), strongest first. */
  readonly completed: readonly { readonly concept: string; readonly score: number }[];
  /** Ids and scores of episodes, best first. */
  readonly ranked: readonly { readonly id: string; readonly score: number }[];
}

/** Completed concepts that join the cue. */
const expansion = 20;
/** Weight of a certain completion, as a part of the cue's mean activation: a guess counts less than what was asked. */
const expansionWeight = 0.3;

const nothing: TrackRecall = { completed: [], ranked: [] };

/**
 * Recalls on one track: the network completes the cue, and episodes are ranked by cue and completion together. Concepts
 * that the track's vault does not know are left out; reading adds none.
 * @param limit how many concepts and episodes, 1 to 1000
 */
export async function recallOnTrack(
  peers: TrackPeers,
  cue: ReadonlyMap<string, number>,
  limit: number,
  context: RequestContext,
): Promise<TrackRecall> {
  const { tenant } = context;
  const dictionary = peers.dictionary(tenant);
  const ids = await dictionary.find([...cue.keys()], settings(context));
  const known = [...ids].map(([name, id]) => [id, cue.get(name)!] as const);
  if (known.length === 0) return nothing;

  const completion = await peers.pruner.complete(
    { tenant, cue: encodeActivations(sparseVector(known)), limit: Math.max(limit, expansion) },
    settings(context),
  );
  const mean = known.reduce((sum, [, value]) => sum + value, 0) / known.length;
  const expanded = completion.concepts
    .slice(0, expansion)
    .map(({ conceptId, score }) => [conceptId, expansionWeight * mean * expectation(score)] as const)
    .filter(([, weight]) => Math.fround(weight) > 0);
  const rankCue = encodeActivations(sparseVector([...known, ...expanded]));
  const listed = completion.concepts.slice(0, limit);
  const [names, ranking] = await Promise.all([
    dictionary.namesOf(
      Uint32Array.from(listed, ({ conceptId }) => conceptId),
      settings(context),
    ),
    peers.vault.rank({ tenant, cue: rankCue, limit }, settings(context)),
  ]);
  return {
    completed: listed.map(({ score }, k) => ({ concept: names[k]!, score })),
    ranked: ranking.episodes,
  };
}

function expectation(score: number): number {
  return Math.min(1, Math.max(0, score));
}
