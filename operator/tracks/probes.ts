import { z } from 'zod';
import { decodeActivations } from '../../services/common/activations/activations.js';
import { ConceptDictionary } from '../../services/common/concepts/dictionary.js';
import { ndcgAt } from '../../services/common/network/ndcg.js';
import type { TrackClients } from './clients.js';
import { readDocument, type KeptDocuments } from './kept-documents.js';

const probesSchema = z.array(
  z.object({
    /** Concepts that are shown, with their activations. */
    cue: z.array(z.tuple([z.string(), z.number()])),
    /** Concepts that are hidden and should be completed. */
    hidden: z.array(z.string()),
  }),
);

/** A fixed set of half-hidden episodes, by concept names, so that tracks with different dictionaries can be compared. */
export type Probes = z.output<typeof probesSchema>;

const probeCount = 40;
const fewestConcepts = 6;
/** Concepts of an episode that a probe holds at most, so that the set fits where it is kept. */
const mostConcepts = 100;
const tenant = '';

/** The stored probe set, or a new one from the newest stable episodes; undefined while stable has too few. */
export async function loadProbes(
  documents: KeptDocuments,
  stable: TrackClients,
  signal: AbortSignal,
): Promise<Probes | undefined> {
  const kept = await readDocument(documents, 'probes', (json) => probesSchema.parse(json));
  if (kept !== undefined) return kept;
  const probes = await drawProbes(stable, signal);
  if (probes.length < probeCount) return undefined;
  await documents.write('probes', JSON.stringify(probes));
  return probes;
}

async function drawProbes({ vault }: TrackClients, signal: AbortSignal): Promise<Probes> {
  const dictionary = new ConceptDictionary(vault, tenant);
  const { lastSequence } = await vault.getStats({ tenant }, { signal });
  // More than needed, because short episodes and tombstones are passed over.
  const afterSequence = Math.max(0, lastSequence - 4 * probeCount);
  const probes: Probes = [];
  for await (const { entry } of vault.replay(
    { tenant, afterSequence, follow: false, limit: 0 },
    { signal },
  )) {
    if (probes.length === probeCount) break;
    if (entry?.$case !== 'stored') continue;
    const vector = decodeActivations(entry.value.activations);
    if (vector.ids.length < fewestConcepts) continue;
    const names = await dictionary.namesOf(vector.ids.subarray(0, mostConcepts));
    const pairs = names.map((name, k): [string, number] => [name, vector.values[k]!]);
    // Ids are in order of first use, so every second one is a fair half.
    const cue = pairs.filter((_, k) => k % 2 === 0);
    probes.push({ cue, hidden: pairs.filter((_, k) => k % 2 === 1).map(([name]) => name) });
  }
  return probes;
}

/** NDCG@20 of each probe on one track. */
export async function runProbes(probes: Probes, track: TrackClients, signal: AbortSignal): Promise<number[]> {
  const dictionary = new ConceptDictionary(track.vault, tenant);
  const scores: number[] = [];
  for (const { cue, hidden } of probes) {
    const known = await dictionary.find([...cue.map(([name]) => name), ...hidden]);
    const activations = await dictionary.encode(new Map(cue.filter(([name]) => known.has(name))));
    const relevant = new Set(hidden.map((name) => known.get(name) ?? name));
    const { concepts } = await track.pruner.complete({ tenant, cue: activations, limit: 20 }, { signal });
    const ranked = concepts.map(({ conceptId }): number | string => conceptId);
    scores.push(ndcgAt(20, ranked, relevant));
  }
  return scores;
}
