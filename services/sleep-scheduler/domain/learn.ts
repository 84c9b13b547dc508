import { buildNetwork, type ConceptNetwork } from '../../common/network/network.js';
import { seededRandom, shuffle, type Random } from '../../common/network/random.js';
import { scaleOf, weightScale } from '../../common/network/scale.js';
import { batchOf, indexer, type Batch } from './batch.js';
import { dream } from './dream.js';
import { filterEdges, supportOf, unionEdges, type Edges } from './edges.js';
import { fitOf, splitsOf } from './held-out.js';
import type { ConceptGraph, GraphDelta, LearnInput, LearnOutcome, LearnParameters } from './learn-types.js';
import { proximalStep, strongestEdges } from './proximal.js';

/** Part of a batch that is not learned from, and most of it that is measured. */
const heldOutShare = 1 / 16;
const mostHeldOut = 128;

/** Episodes of one proximal step; its cost is cubic in them. */
const rowsPerStep = 2048;

/** Edges kept for every concept that at least two episodes hold: a mean degree of 30. */
const edgesPerConcept = 15;

/** Learning rate at which the anchor of a concept is 10 and the episodes that its weights stand for. */
const referenceRate = 0.01;
const restingAnchor = 10;

/** Dreams that are measured in each cycle. */
const dreamsPerCycle = 5;

/** Learns a batch on a copy of the graph and measures the result on the part that was held out. Same input, same outcome. */
export function learn({ graph, episodes, rehearsal, parameters, seed }: LearnInput): LearnOutcome {
  const random = seededRandom(seed);
  const batch = batchOf(graph, episodes, rehearsal);
  const { train, heldOut } = divide(batch.active, random);
  const old = storedEdges(graph, batch);
  const learned = consolidate(toPartialCorrelations(old, batch), { batch, train, parameters });
  const fresh = toWeights(learned, batch, parameters);

  const splits = splitsOf(heldOut, random);
  const [before, after] = [networkOf(batch, old), networkOf(batch, fresh)];
  const [fitBefore, fitAfter] = [fitOf(before, splits), fitOf(after, splits)];
  const dreams = splits
    .slice(0, dreamsPerCycle)
    .map(({ shown, control }) => dream(after, { cue: shown, noise: control }, { ...parameters, random }));
  const delta = deltaOf(batch, old, fresh);
  return {
    delta,
    energyBefore: fitBefore.energy / before.rmsField,
    energyAfter: fitAfter.energy / before.rmsField,
    completionBefore: fitBefore.completion,
    completionAfter: fitAfter.completion,
    energyDropRatio: mean(dreams.map(({ energyDropRatio }) => energyDropRatio)),
    settleLoops: mean(dreams.map(({ settleLoops }) => settleLoops)),
    edgesChanged: delta.edgeWeights.reduce((count, change) => count + (change === 0 ? 0 : 1), 0),
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

/** Takes the batch in, a step of rows after the other; ρ in, ρ out. */
function consolidate(
  edges: Edges,
  { batch, train, parameters }: { batch: Batch; train: readonly Uint32Array[]; parameters: LearnParameters },
): Edges {
  const scale = batch.nodeCounts.map(scaleOf);
  const firmness = referenceRate / parameters.learningRate;
  const evidence = batch.oldCounts.slice();
  const most = edgesPerConcept * batch.nodeCounts.reduce((n, count) => n + (count >= 2 ? 1 : 0), 0);
  let learned = edges;
  for (let start = 0; start < train.length; start += rowsPerStep) {
    const rows = train.slice(start, start + rowsPerStep);
    const rowCounts = new Float32Array(scale.length);
    for (const active of rows) for (const i of active) rowCounts[i]!++;
    // The last term is what hiding half of every row at random adds in expectation (Steck 2020).
    const anchor = evidence.map((count, i) => firmness * (restingAnchor + count) + rowCounts[i]!);
    const step = proximalStep(learned, { inputs: rows, targets: rows, scale, anchor });
    const { a, b, value } = step;
    learned = strongestEdges(step, most, (edge) =>
      Math.abs(value[edge]! * weightScale(scale[a[edge]!]!, scale[b[edge]!]!)),
    );
    rowCounts.forEach((count, i) => (evidence[i]! += count));
  }
  return learned;
}

function storedEdges(graph: ConceptGraph, { nodeIds }: Batch): Edges {
  const indexOf = indexer(nodeIds);
  return { a: graph.edgeA.map(indexOf), b: graph.edgeB.map(indexOf), value: graph.edgeWeights };
}

function toPartialCorrelations({ a, b, value }: Edges, { oldCounts }: Batch): Edges {
  const scale = oldCounts.map(scaleOf);
  return {
    a,
    b,
    value: value.map((weight, edge) => weight / weightScale(scale[a[edge]!]!, scale[b[edge]!]!)),
  };
}

/** Stored weights of partial correlations, after the proximal step of the L1 penalty: soft(w, ητ). */
function toWeights({ a, b, value }: Edges, batch: Batch, parameters: LearnParameters): Edges {
  const scale = batch.nodeCounts.map(scaleOf);
  const threshold = parameters.learningRate * parameters.l1Strength;
  const weights = value.map((rho, edge) => {
    const weight = rho * weightScale(scale[a[edge]!]!, scale[b[edge]!]!);
    return Math.sign(weight) * Math.max(Math.abs(weight) - threshold, 0);
  });
  return filterEdges({ a, b, value: weights }, (edge) => weights[edge] !== 0);
}

function networkOf({ nodeIds, nodeCounts, episodes }: Batch, { a, b, value }: Edges): ConceptNetwork {
  const ids = (indices: Uint32Array) => indices.map((i) => nodeIds[i]!);
  return buildNetwork({
    nodeIds,
    nodeCounts,
    episodes,
    edgeA: ids(a),
    edgeB: ids(b),
    edgeWeights: value,
  });
}

/** What changed: counts, weights, and support of the edges that stay. */
function deltaOf(batch: Batch, old: Edges, fresh: Edges): GraphDelta {
  const { nodeIds, addedCounts, addedEpisodes, active } = batch;
  const after = unionEdges(fresh, old, 0);
  const before = unionEdges(old, fresh, 0);
  const seen =
    addedEpisodes === 0 ? new Float32Array(after.a.length) : supportOf(after, active, nodeIds.length);
  const change = after.value.map((weight, edge) => weight - before.value[edge]!);
  const changed = Uint32Array.from(change.keys()).filter((k) => change[k] !== 0 || seen[k] !== 0);
  const nodes = Uint32Array.from(addedCounts.keys()).filter((i) => addedCounts[i]! > 0);
  return {
    episodes: addedEpisodes,
    nodeIds: nodes.map((i) => nodeIds[i]!),
    nodeCounts: Float32Array.from(nodes, (i) => addedCounts[i]!),
    edgeA: changed.map((edge) => nodeIds[after.a[edge]!]!),
    edgeB: changed.map((edge) => nodeIds[after.b[edge]!]!),
    edgeWeights: Float32Array.from(changed, (edge) => change[edge]!),
    edgeSupport: Float32Array.from(changed, (edge) => seen[edge]!),
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
