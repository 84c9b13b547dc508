import type {
  BatchPutRequest,
  BatchPutResponse,
  PutRequest,
  PutResponse,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { ServiceError } from '../common/errors.js';
import { tenantOf } from '../common/tenant.js';
import type { VaultMetrics } from './metrics.js';
import type { PutOutcome } from './storage/changes.js';
import { checkCount, limits, prepareEpisode } from './validation.js';
import type { Vault, WriteChain } from './vault.js';

/** Batches of one stream that wait for the disk at a time; the caller is held back beyond that. */
const batchesInFlight = 8;

/** Stores one episode. */
export async function put(vault: Vault, metrics: VaultMetrics, request: PutRequest): Promise<PutResponse> {
  return counted(metrics, 1, async () => {
    const tenant = tenantOf(request);
    const episode = prepareEpisode(request.episode, conceptCount(vault, tenant), 'episode');
    return vault.store(tenant, [episode], request.epoch);
  }).then(([outcome]) => outcome!);
}

/**
 * Stores a stream of batches, each in one transaction. Several wait for the disk at once; after one was refused, none of
 * the stream's later ones is stored.
 */
export async function batchPut(
  vault: Vault,
  metrics: VaultMetrics,
  requests: AsyncIterable<BatchPutRequest>,
): Promise<BatchPutResponse> {
  const stream: BatchStream = { refusal: undefined, total: { stored: 0, duplicates: 0, lastSequence: 0 } };
  const flights: Promise<void>[] = [];
  for await (const request of requests) {
    flights.push(storeBatch(vault, metrics, request, stream));
    if (flights.length >= batchesInFlight) await flights.shift();
    if (stream.refusal !== undefined) break;
  }
  await Promise.all(flights);
  if (stream.refusal !== undefined) throw stream.refusal;
  return stream.total;
}

interface BatchStream extends WriteChain {
  total: BatchPutResponse;
}

/** Stores one batch and adds it to the stream's total, or notes why the stream is refused; never rejects. */
async function storeBatch(
  vault: Vault,
  metrics: VaultMetrics,
  request: BatchPutRequest,
  stream: BatchStream,
): Promise<void> {
  try {
    const outcomes = await counted(metrics, request.episodes.length, async () => {
      const tenant = tenantOf(request);
      checkCount('episodes', request.episodes.length, 0, limits.batchEpisodes);
      const known = conceptCount(vault, tenant);
      const episodes = request.episodes.map((episode, k) => prepareEpisode(episode, known, `episodes[${k}]`));
      return vault.store(tenant, episodes, request.epoch, stream);
    });
    stream.total = addUp(stream.total, outcomes);
  } catch (error) {
    stream.refusal ??= ServiceError.from(error);
  }
}

function addUp(total: BatchPutResponse, outcomes: readonly PutOutcome[]): BatchPutResponse {
  const fresh = outcomes.filter(({ duplicate }) => !duplicate);
  return {
    stored: total.stored + fresh.length,
    duplicates: total.duplicates + outcomes.length - fresh.length,
    lastSequence: Math.max(total.lastSequence, fresh.at(-1)?.sequence ?? 0),
  };
}

async function counted(
  metrics: VaultMetrics,
  episodes: number,
  store: () => Promise<PutOutcome[]>,
): Promise<PutOutcome[]> {
  try {
    const outcomes = await store();
    const duplicates = outcomes.filter(({ duplicate }) => duplicate).length;
    metrics.countPuts('stored', outcomes.length - duplicates);
    metrics.countPuts('duplicate', duplicates);
    return outcomes;
  } catch (error) {
    metrics.countPuts('refused', episodes);
    throw error;
  }
}

function conceptCount(vault: Vault, tenant: string): number {
  return vault.tenant(tenant)?.names.length ?? 0;
}
