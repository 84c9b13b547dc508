import type { ConceptNetwork } from '../../common/network/network.js';
import { anneal } from '../../common/network/anneal.js';
import { randomBelow, type Random } from '../../common/network/random.js';
import type { Candidates } from './candidates.js';

/** Passes over the batch in one cycle. */
const passes = 4;
/** Fantasies that the network dreams in each pass. */
const fantasies = 5;
/** Inactive neighbours that are looked at for each active concept. */
const negativesPerConcept = 1;

/** What wake-sleep needs beside the candidates. */
export interface Contrast {
  readonly network: (weights: Float32Array) => ConceptNetwork;
  readonly learningRate: number;
  readonly l1Strength: number;
  readonly annealT0: number;
  readonly random: Random;
}

/** What the dreams of a cycle looked like. */
export interface Dreams {
  /** Mean of (E_start − E_end) / max(|E_start|, |E_end|). */
  readonly energyDropRatio: number;
  /** Mean number of sweeps. */
  readonly settleLoops: number;
}

/**
 * Contrastive wake-sleep learning in place (Ackley, Hinton & Sejnowski 1985, with the pseudo-likelihood gradient of Besag
 * 1975 as its limit of clamped data). Awake, an edge between active concepts grows by what the network did not expect of
 * either end; asleep it shrinks by what the network expects of concepts that are not there, and by what it dreams when it is
 * annealed from T₀. Steps are scaled by each edge's history (Duchi, Hazan & Singer 2011), so that η = 0.01 means the same for
 * frequent and rare pairs. Each pass ends with the proximal step soft(w, ητ), which alone makes exact zeros.
 */
export function wakeSleep(candidates: Candidates, weights: Float32Array, contrast: Contrast): Dreams {
  const pairs = pairsOf(candidates);
  const history = new Float32Array(weights.length).fill(1e-3);
  const gradient = new Float32Array(weights.length);
  let drop = 0;
  let loops = 0;
  for (let pass = 0; pass < passes; pass++) {
    gradient.fill(0);
    const network = contrast.network(weights);
    wake(candidates, pairs, { network, weights, gradient, random: contrast.random });
    for (let k = 0; k < fantasies; k++) {
      const dream = sleep(candidates, pairs, { network, gradient, contrast });
      drop += dream.energyDropRatio;
      loops += dream.settleLoops;
    }
    step(weights, gradient, history, contrast);
  }
  const dreams = passes * fantasies;
  return { energyDropRatio: drop / dreams, settleLoops: loops / dreams };
}

/** Edges that lie within each episode: triples (position of a, position of b, edge). */
interface Pairs {
  readonly byEpisode: readonly Uint32Array[];
  readonly edgeOf: ReadonlyMap<number, number>;
  readonly nodes: number;
}

function pairsOf({ edgeA, edgeB, active, nodeIds }: Candidates): Pairs {
  const nodes = nodeIds.length;
  const edgeOf = new Map<number, number>();
  for (let edge = 0; edge < edgeA.length; edge++) edgeOf.set(edgeA[edge]! * nodes + edgeB[edge]!, edge);
  const byEpisode = active.map((indices) => {
    const triples: number[] = [];
    for (let i = 0; i < indices.length; i++) {
      for (let j = i + 1; j < indices.length; j++) {
        const edge = edgeOf.get(indices[i]! * nodes + indices[j]!);
        if (edge !== undefined) triples.push(i, j, edge);
      }
    }
    return Uint32Array.from(triples);
  });
  return { byEpisode, edgeOf, nodes };
}

interface Wake {
  readonly network: ConceptNetwork;
  readonly weights: Float32Array;
  readonly gradient: Float32Array;
  readonly random: Random;
}

function wake({ active }: Candidates, pairs: Pairs, { network, weights, gradient, random }: Wake): void {
  const present = new Uint8Array(network.nodeIds.length);
  for (let k = 0; k < active.length; k++) {
    const indices = active[k]!;
    const triples = pairs.byEpisode[k]!;
    const surprise = Float32Array.from(indices, (i) => network.bias[i]!);
    for (let t = 0; t < triples.length; t += 3) {
      const weight = weights[triples[t + 2]!]!;
      surprise[triples[t]!]! += weight;
      surprise[triples[t + 1]!]! += weight;
    }
    for (let i = 0; i < surprise.length; i++) surprise[i] = 1 - logistic(surprise[i]!);
    for (let t = 0; t < triples.length; t += 3) {
      gradient[triples[t + 2]!]! += surprise[triples[t]!]! + surprise[triples[t + 1]!]!;
    }
    for (const i of indices) present[i] = 1;
    for (const i of indices) expectAbsent(network, { i, present, pairs, gradient, random });
    for (const i of indices) present[i] = 0;
  }
}

interface Absence {
  readonly i: number;
  readonly present: Uint8Array;
  readonly pairs: Pairs;
  readonly gradient: Float32Array;
  readonly random: Random;
}

/** A neighbour that is not in the episode: what the network expects of it is taken off the edges that say so. */
function expectAbsent(network: ConceptNetwork, { i, present, pairs, gradient, random }: Absence): void {
  const start = network.rowStart[i]!;
  const degree = network.rowStart[i + 1]! - start;
  if (degree === 0) return;
  for (let draw = 0; draw < negativesPerConcept; draw++) {
    const k = network.columns[start + randomBelow(random, degree)]!;
    if (present[k] === 1) continue;
    let field = network.bias[k]!;
    for (let at = network.rowStart[k]!; at < network.rowStart[k + 1]!; at++) {
      if (present[network.columns[at]!] === 1) field += network.weights[at]!;
    }
    // One of `degree` neighbours was drawn, and each neighbour can be drawn from several active concepts.
    const expected = logistic(field) * Math.min(degree, 32);
    const edge = pairs.edgeOf.get(i < k ? i * pairs.nodes + k : k * pairs.nodes + i);
    if (edge !== undefined) gradient[edge]! -= expected;
  }
}

function sleep(
  { active }: Candidates,
  pairs: Pairs,
  { network, gradient, contrast }: { network: ConceptNetwork; gradient: Float32Array; contrast: Contrast },
): Dreams {
  const start = new Uint8Array(network.nodeIds.length);
  const seed = active[randomBelow(contrast.random, active.length)];
  for (const i of seed ?? []) start[i] = 1;
  const { state, energyStart, energyEnd, settleLoops } = anneal(network, start, {
    t0: contrast.annealT0,
    random: contrast.random,
  });
  const on: number[] = [];
  for (let i = 0; i < state.length && on.length < 1_024; i++) if (state[i] === 1) on.push(i);
  for (let i = 0; i < on.length; i++) {
    for (let j = i + 1; j < on.length; j++) {
      const edge = pairs.edgeOf.get(on[i]! * pairs.nodes + on[j]!);
      if (edge !== undefined) gradient[edge]! -= active.length / fantasies;
    }
  }
  // Against the larger of the two: a start that happens to lie near 0 would make any drop look endless.
  const scale = Math.max(Math.abs(energyStart), Math.abs(energyEnd));
  const energyDropRatio = scale === 0 ? 0 : (energyStart - energyEnd) / scale;
  return { energyDropRatio, settleLoops };
}

function step(
  weights: Float32Array,
  gradient: Float32Array,
  history: Float32Array,
  contrast: Contrast,
): void {
  // A unit of log-odds is what a few passes at full rate may add; η is a share of it.
  const rate = 10 * contrast.learningRate;
  const threshold = contrast.learningRate * contrast.l1Strength;
  for (let edge = 0; edge < weights.length; edge++) {
    const g = gradient[edge]!;
    history[edge]! += g * g;
    const moved = weights[edge]! + (rate * g) / Math.sqrt(history[edge]!);
    weights[edge] = Math.sign(moved) * Math.max(Math.abs(moved) - threshold, 0);
  }
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
