import type { TrackClients } from './clients.js';

/**
 * Gives an empty canary the stable track's dictionary and graph, so that it starts from what is known and its
 * completions can be compared. Interning the same names in the same order yields the same ids, so the graph goes over
 * as it is; episodes stay where they are. Calling it again after a crash changes nothing.
 */
export async function seedCanary(
  stable: TrackClients,
  canary: TrackClients,
  signal: AbortSignal,
): Promise<void> {
  const { tenants } = await stable.vault.listTenants({}, { signal });
  for (const tenant of tenants) {
    const { version } = await canary.pruner.getGraphStats({ tenant }, { signal });
    if (version > 0) continue;
    for await (const page of stable.vault.listConcepts({ tenant, firstId: 0 }, { signal })) {
      await canary.vault.internConcepts({ tenant, names: page.names }, { signal });
    }
    const stats = await stable.pruner.getGraphStats({ tenant }, { signal });
    if (stats.version > 0) await canary.pruner.loadGraph(graphParts(stable, tenant, signal), { signal });
  }
}

async function* graphParts(stable: TrackClients, tenant: string, signal: AbortSignal) {
  for await (const part of stable.pruner.streamGraph({ tenant, version: 0 }, { signal })) {
    // The canary's own vault is empty: its sleep starts at the first episode that is routed to it.
    yield { tenant, cursor: 0, episodes: part.episodes, chunk: part.chunk };
  }
}
