import {
  decodeU32,
  encodeActivations,
  decodeActivations,
  sparseVector,
} from '../../services/common/activations/activations.js';
import {
  EpisodeState,
  type EpisodeDigest,
  type ReplayResponse,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import type { Episode } from '../../proto/gen/tori/memory/v1/types.js';
import type { TrackClients } from './clients.js';

type Vault = TrackClients['vault'];

/** A vault whose episodes are copied into another one. */
export interface Copy {
  readonly source: Vault;
  readonly target: Vault;
  readonly tenant: string;
  /** Epoch that the writes carry. */
  readonly epoch: number;
  readonly signal: AbortSignal;
}

const batchSize = 256;

/**
 * Copies everything after a cursor by id: episodes are put, tombstones deleted. Both are idempotent, so a copy that was
 * killed goes on from its stored cursor, or from any earlier one.
 * @param onProgress called with the last source sequence that is safe in the target
 * @returns that sequence
 */
export async function copyEpisodes(
  copy: Copy,
  afterSequence: number,
  onProgress: (sequence: number) => Promise<void>,
): Promise<number> {
  const translate = await conceptTranslator(copy);
  let cursor = afterSequence;
  let batch: ReplayResponse[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    await store(copy, batch, translate);
    cursor = batch.at(-1)!.sequence;
    batch = [];
    await onProgress(cursor);
  };
  const entries = copy.source.replay(
    { tenant: copy.tenant, afterSequence, follow: false, limit: 0 },
    { signal: copy.signal },
  );
  for await (const entry of entries) {
    batch.push(entry);
    if (batch.length === batchSize) await flush();
  }
  await flush();
  return cursor;
}

/**
 * Compares every id of the source with the target by digest.
 * @returns ids that the target lacks or holds with other content; empty when the copy is complete
 */
export async function compareEpisodes(copy: Copy): Promise<string[]> {
  const ids = new Set<string>();
  const entries = copy.source.replay(
    { tenant: copy.tenant, afterSequence: 0, follow: false, limit: 0 },
    { signal: copy.signal },
  );
  for await (const { entry } of entries) if (entry !== undefined) ids.add(entry.value.id);
  const different: string[] = [];
  const all = [...ids];
  for (let start = 0; start < all.length; start += 1_024) {
    const chunk = all.slice(start, start + 1_024);
    const [there, here] = await Promise.all([
      copy.source.getDigests({ tenant: copy.tenant, ids: chunk }),
      copy.target.getDigests({ tenant: copy.tenant, ids: chunk }),
    ]);
    chunk.forEach((id, k) => {
      if (!covers(here.digests[k], there.digests[k])) different.push(id);
    });
  }
  return different;
}

/** A deletion in the target also covers an episode of the source: it was deleted after it had been copied. */
function covers(target: EpisodeDigest | undefined, source: EpisodeDigest | undefined): boolean {
  if (source === undefined || source.state === EpisodeState.EPISODE_STATE_ABSENT) return true;
  if (target === undefined) return false;
  if (target.state === EpisodeState.EPISODE_STATE_DELETED) return true;
  return target.state === source.state && Buffer.from(target.sha256).equals(Buffer.from(source.sha256));
}

type Translate = (episode: Episode) => Promise<Episode>;

/** An episode and its later tombstone may stand in one batch, so order is kept: episodes are sent up to a tombstone. */
async function store(copy: Copy, batch: readonly ReplayResponse[], translate: Translate): Promise<void> {
  const { tenant, epoch, signal } = copy;
  let episodes: Episode[] = [];
  for (const { entry } of batch) {
    if (entry?.$case === 'stored') {
      episodes.push(await translate(entry.value));
    } else if (entry?.$case === 'deleted') {
      await put(copy, episodes);
      episodes = [];
      await copy.target.delete({ tenant, id: entry.value.id, epoch, tombstoneIfAbsent: true }, { signal });
    }
  }
  await put(copy, episodes);
}

/** A deletion that the target already knows wins over the source's copy. */
async function put({ target, tenant, epoch, signal }: Copy, episodes: readonly Episode[]): Promise<void> {
  if (episodes.length === 0) return;
  const { digests } = await target.getDigests(
    { tenant, ids: episodes.map((episode) => episode.id) },
    { signal },
  );
  const wanted = episodes.filter((_, k) => digests[k]?.state !== EpisodeState.EPISODE_STATE_DELETED);
  if (wanted.length > 0) await target.batchPut([{ tenant, episodes: wanted, epoch }], { signal });
}

/** Concept ids mean something in one vault only: they are carried over by name. */
async function conceptTranslator({ source, target, tenant, signal }: Copy): Promise<Translate> {
  const map: number[] = [];
  const extend = async () => {
    for await (const page of source.listConcepts({ tenant, firstId: map.length }, { signal })) {
      const { conceptIds } = await target.internConcepts({ tenant, names: page.names }, { signal });
      map.push(...decodeU32(conceptIds, 'concept_ids'));
    }
  };
  await extend();
  return async (episode) => {
    const vector = decodeActivations(episode.activations);
    if ((vector.ids.at(-1) ?? 0) >= map.length) await extend();
    const pairs = Array.from(vector.ids, (id, k): [number, number] => [map[id]!, vector.values[k]!]);
    return { ...episode, activations: encodeActivations(sparseVector(pairs)) };
  };
}
