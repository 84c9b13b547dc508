import { setImmediate as turn } from 'node:timers/promises';
import {
  EpisodeState,
  QueryMatch,
  type EpisodeDigest,
  type GetDigestsRequest,
  type ListConceptsRequest,
  type ListConceptsResponse,
  type ListRequest,
  type ListResponse,
  type QueryRequest,
  type QueryResponse,
  type ReplayRequest,
  type ReplayResponse,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { ServiceError } from '../common/errors.js';
import { tenantOf } from '../common/tenant.js';
import { checkCount, checkCursor, limits, listCursor, queriedConcepts } from './validation.js';
import type { Vault } from './vault.js';

// lmdb reads are synchronous, so every stream lets the event loop turn after each page.

/** Episodes in a page. */
const page = 64;
/** Names in a page of the dictionary. */
const namePage = 4096;

/** Streams the dictionary. */
export async function* listConcepts(
  vault: Vault,
  request: ListConceptsRequest,
): AsyncIterable<ListConceptsResponse> {
  const names = vault.tenant(tenantOf(request))?.names ?? [];
  for (let firstId = request.firstId; firstId < names.length; firstId += namePage) {
    yield { firstId, names: names.slice(firstId, firstId + namePage) };
    await turn();
  }
}

/** Streams episodes in order of time, then id. */
export async function* list(vault: Vault, request: ListRequest): AsyncIterable<ListResponse> {
  const tenant = tenantOf(request);
  const { fromUnixMs, toUnixMs } = request;
  let after = listCursor(request.afterCursor);
  let left = request.limit === 0 ? Infinity : request.limit;
  while (left > 0) {
    const wanted = Math.min(page, left);
    const found = vault.byTime(tenant, { fromUnixMs, toUnixMs, after }, wanted);
    for (const { episode, place } of found) {
      yield { episode, cursor: place.toString('base64url') };
      after = place;
    }
    if (found.length < wanted) return;
    left -= found.length;
    await turn();
  }
}

/** Streams the log of a tenant; with `follow`, until the signal is aborted. */
export async function* replay(
  vault: Vault,
  request: ReplayRequest,
  signal: AbortSignal,
): AsyncIterable<ReplayResponse> {
  const tenant = tenantOf(request);
  checkCursor('after_sequence', request.afterSequence);
  let cursor = request.afterSequence;
  let left = request.limit === 0 ? Infinity : request.limit;
  while (left > 0 && !signal.aborted) {
    const entries = vault.entries(tenant, cursor, Math.min(page, left));
    for (const entry of entries) {
      yield entry;
      cursor = entry.sequence;
    }
    left -= entries.length;
    if (entries.length > 0) await turn();
    else if (request.follow) await vault.changed(signal);
    else return;
  }
  // A reader that asked for what there is takes a clean end for the last entry.
  if (left > 0 && !request.follow) throw new ServiceError('UNAVAILABLE', 'the vault is draining');
}

/** Streams the newest episodes that hold given concepts. */
export async function* query(vault: Vault, request: QueryRequest): AsyncIterable<QueryResponse> {
  const tenant = tenantOf(request);
  const concepts = queriedConcepts(request.conceptIds);
  const sequences = vault.query(tenant, {
    concepts,
    atLeast: request.match === QueryMatch.QUERY_MATCH_ALL ? concepts.length : 1,
    fromUnixMs: request.fromUnixMs ?? -Infinity,
    toUnixMs: request.toUnixMs ?? Infinity,
    limit: request.limit === 0 ? 1000 : request.limit,
  });
  for (let k = 0; k < sequences.length; k++) {
    // An episode that was deleted since the search is passed over.
    const episode = vault.episode(tenant, sequences[k]!);
    if (episode !== undefined) yield { episode };
    if (k % page === page - 1) await turn();
  }
}

/** State and digest of each id. */
export async function digests(vault: Vault, request: GetDigestsRequest): Promise<EpisodeDigest[]> {
  const tenant = tenantOf(request);
  checkCount('ids', request.ids.length, 1, limits.digestIds);
  const answers: EpisodeDigest[] = [];
  for (const [k, id] of request.ids.entries()) {
    answers.push(digestOf(vault, tenant, id));
    if (k % page === page - 1) await turn();
  }
  return answers;
}

function digestOf(vault: Vault, tenant: string, id: string): EpisodeDigest {
  const nothing = Buffer.alloc(0);
  const known = vault.findId(tenant, id);
  if (known === undefined) return { id, state: EpisodeState.EPISODE_STATE_ABSENT, sha256: nothing };
  const episode = vault.episode(tenant, known.sequence);
  if (episode === undefined) return { id, state: EpisodeState.EPISODE_STATE_DELETED, sha256: nothing };
  return { id, state: EpisodeState.EPISODE_STATE_STORED, sha256: vault.digest(tenant, episode) };
}
