import { buildNetwork } from '../../common/network/network.js';
import { seededRandom, shuffle, type Random } from '../../common/network/random.js';
import { candidatesOf, type Candidates } from './candidates.js';
import { wakeSleep } from './contrast.js';
import { fitOf, splitsOf } from './held-out.js';
import type { ConceptGraph, GraphDelta, LearnInput, LearnOutcome } from './learn-types.js';

/** Part of a batch that is not learned from, and most of it that is measured. */
const heldOutShare = 0.1;
const mostHeldOut = 100;

/** Learns a batch on a copy of the graph and measures the result on the part that was held out. Same input, same outcome. */
export function learn({ graph, episodes, rehearsal, parameters, seed }: LearnInput): LearnOutcome {
  const random = seededRandom(seed);
  const all = candidatesOf(graph, episodes, rehearsal);
  const { train, heldOut } = divide(all.active, random);
  const before = initialWeights(graph, all);
  const weights = before.slice();
  seedNewEdges(all, weights);
  const network = (values: Float32Array) => buildNetwork({ ...all, ...edgeIds(all), edgeWeights: values });
  const dreams = wakeSleep({ ...all, active: train }, weights, { ...parameters, network, random });

  const splits = splitsOf(heldOut, random);
  const old = network(before);
  const unit = old.rmsField;
  const [fitBefore, fitAfter] = [fitOf(old, splits), fitOf(network(weights), splits)];
  const delta = deltaOf(all, before, weights);
  return {
    delta,
    energyBefore: fitBefore.energy / unit,
    energyAfter: fitAfter.energy / unit,
    completionBefore: fitBefore.completion,
    completionAfter: fitAfter.completion,
    edgesChanged: delta.edgeWeights.reduce((count, change) => count + (change === 0 ? 0 : 1), 0),
    ...dreams,
  };
}

function divide(
  active: readonly Uint32Array[],
  random: Random,
): { train: Uint32Array[]; heldOut: Uint32Array[] } {
  const order = Uint32Array.from(active.keys());
  shuffle(order, random);
  const count = Math.min(mostHeldOut, Math.ceil(active.length * heldOutShare));
  const pick = (indices: Uint32Array) => Array.from(indices, (k) => active[k]!);
  // A batch of one is learned and measured at once: there is nothing to hold out.
  return {
    train: pick(active.length > 1 ? order.subarray(count) : order),
    heldOut: pick(order.subarray(0, count)),
  };
}

function initialWeights(graph: ConceptGraph, { edgeA }: Candidates): Float32Array {
  const weights = new Float32Array(edgeA.length);
  weights.set(graph.edgeWeights);
  return weights;
}

/** A new edge starts from its pointwise mutual information, shrunk where little was seen (Church & Hanks 1990). */
function seedNewEdges(all: Candidates, weights: Float32Array): void {
  const { edgeA, edgeB, support, nodeCounts, episodes, oldEdges } = all;
  for (let edge = oldEdges; edge < weights.length; edge++) {
    const seen = support[edge]!;
    const expected = (nodeCounts[edgeA[edge]!]! * nodeCounts[edgeB[edge]!]!) / Math.max(episodes, 1);
    const information = Math.log(seen / Math.max(expected, 1e-9));
    weights[edge] = information <= 0 ? 0 : (0.2 * information * seen) / (seen + 8);
  }
}

function edgeIds({ nodeIds, edgeA, edgeB }: Candidates): { edgeA: Uint32Array; edgeB: Uint32Array } {
  return { edgeA: edgeA.map((i) => nodeIds[i]!), edgeB: edgeB.map((i) => nodeIds[i]!) };
}

/** What changed; edges that are new and ended at 0 never come to be. */
function deltaOf(all: Candidates, before: Float32Array, weights: Float32Array): GraphDelta {
  const { nodeIds, addedCounts, addedSupport, oldEdges } = all;
  const ids = edgeIds(all);
  const kept: number[] = [];
  for (let edge = 0; edge < weights.length; edge++) {
    const moved = weights[edge] !== before[edge];
    if (moved || (edge < oldEdges && addedSupport[edge]! > 0)) kept.push(edge);
  }
  const nodes = [...nodeIds.keys()].filter((i) => addedCounts[i]! > 0);
  return {
    episodes: all.addedEpisodes,
    nodeIds: Uint32Array.from(nodes, (i) => nodeIds[i]!),
    nodeCounts: Float32Array.from(nodes, (i) => addedCounts[i]!),
    edgeA: Uint32Array.from(kept, (edge) => ids.edgeA[edge]!),
    edgeB: Uint32Array.from(kept, (edge) => ids.edgeB[edge]!),
    edgeWeights: Float32Array.from(kept, (edge) => weights[edge]! - before[edge]!),
    edgeSupport: Float32Array.from(kept, (edge) => addedSupport[edge]!),
  };
}
