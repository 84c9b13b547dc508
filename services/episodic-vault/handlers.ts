import type { EpisodicVaultServer } from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { decodeActivations, encodeU32 } from '../common/activations/activations.js';
import { invalidArgument } from '../common/errors.js';
import type { Handlers } from '../common/server/call.js';
import { tenantOf } from '../common/tenant.js';
import type { VaultMetrics } from './metrics.js';
import { notFound, unknownConcept } from './storage/changes.js';
import { digests, list, listConcepts, query, replay } from './streams.js';
import { checkCount, checkText, limits } from './validation.js';
import type { Vault } from './vault.js';
import { batchPut, put } from './writes.js';

/**
 * The handlers of EpisodicVault; the protocol documents what each answers.
 * @param signal ends the streams that follow, cleanly, when the service drains
 */
export function vaultHandlers(
  vault: Vault,
  metrics: VaultMetrics,
  signal: AbortSignal,
): Handlers<EpisodicVaultServer> {
  return {
    internConcepts: async (request) => {
      const tenant = tenantOf(request);
      checkCount('names', request.names.length, 0, limits.names);
      request.names.forEach((name, k) => checkText(`names[${k}]`, name, limits.nameBytes));
      const ids =
        request.existingOnly === true
          ? Uint32Array.from(vault.lookUp(tenant, request.names), (id) => id ?? unknownConcept)
          : await vault.intern(tenant, request.names);
      return { conceptIds: encodeU32(ids) };
    },
    listConcepts: (request) => listConcepts(vault, request),
    put: (request) => put(vault, metrics, request),
    batchPut: (requests) => batchPut(vault, metrics, requests),
    get: (request) => {
      const tenant = tenantOf(request);
      const known = vault.findId(tenant, request.id);
      const episode = known && vault.episode(tenant, known.sequence);
      if (known === undefined || episode === undefined) throw notFound(request.id);
      return { episode, sequence: known.sequence };
    },
    list: (request) => list(vault, request),
    replay: (request, context) => replay(vault, request, AbortSignal.any([signal, context.signal])),
    query: (request) => query(vault, request),
    rank: (request) => {
      const tenant = tenantOf(request);
      const cue = decodeActivations(request.cue, 'cue');
      if (request.limit > limits.rankLimit) {
        throw invalidArgument('limit', request.limit, `1 to ${limits.rankLimit}, or 0 for 10`);
      }
      return { episodes: vault.rank(tenant, cue, request.limit === 0 ? 10 : request.limit) };
    },
    delete: (request) => {
      const tenant = tenantOf(request);
      checkText('id', request.id, limits.idBytes);
      return vault.delete(tenant, request);
    },
    getDigests: async (request) => ({ digests: await digests(vault, request) }),
    getStats: (request) => {
      const tenant = vault.tenant(tenantOf(request));
      return {
        episodeCount: tenant?.counts.episodes ?? 0,
        sizeBytes: vault.sizeBytes,
        lastSequence: tenant?.counts.lastSequence ?? 0,
        conceptCount: tenant?.names.length ?? 0,
        tombstoneCount: tenant?.counts.tombstones ?? 0,
        epoch: vault.epoch,
      };
    },
    listTenants: () => ({ tenants: vault.tenants }),
    fence: async ({ epoch }) => {
      if (epoch < 0) throw invalidArgument('epoch', epoch, 'an epoch of at least 0');
      return { epoch: await vault.fence(epoch) };
    },
  };
}
