import { describe, expect, test } from '@jest/globals';
import { sparseVector, type SparseVector } from '../../common/activations/activations.js';
import { randomBelow, seededRandom } from '../../common/network/random.js';
import { learn } from './learn.js';
import type { ConceptGraph, GraphDelta, LearnInput } from './learn-types.js';

const empty: ConceptGraph = {
  episodes: 0,
  nodeIds: new Uint32Array(),
  nodeCounts: new Float32Array(),
  edgeA: new Uint32Array(),
  edgeB: new Uint32Array(),
  edgeWeights: new Float32Array(),
  edgeSupport: new Float32Array(),
};
const parameters = { annealT0: 2, learningRate: 0.01, l1Strength: 0.001 };
const themes = 12;
const perTheme = 10;

/** Episodes of about seven concepts of one theme and three of any. */
function episodesOf(count: number, seed: number, shift = 0): SparseVector[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const theme = randomBelow(random, themes);
    const ids = Array.from({ length: 10 }, (_, k) =>
      k < 7
        ? theme + themes * ((randomBelow(random, perTheme) + shift * theme) % perTheme)
        : randomBelow(random, themes * perTheme),
    );
    return sparseVector([...new Set(ids)].map((id) => [id, 1]));
  });
}

function input(changes: Partial<LearnInput> = {}): LearnInput {
  return { graph: empty, episodes: episodesOf(300, 1), rehearsal: false, parameters, seed: 1, ...changes };
}

/** The graph after a delta, as the pruner adds it. */
function applied(graph: ConceptGraph, delta: GraphDelta): ConceptGraph {
  const counts = new Map(Array.from(graph.nodeIds, (id, k) => [id, graph.nodeCounts[k]!]));
  delta.nodeIds.forEach((id, k) => counts.set(id, (counts.get(id) ?? 0) + delta.nodeCounts[k]!));
  const edges = new Map<number, { weight: number; support: number }>();
  for (const { edgeA, edgeB, edgeWeights, edgeSupport } of [graph, delta]) {
    edgeA.forEach((a, k) => {
      const key = a * 2 ** 20 + edgeB[k]!;
      const edge = edges.get(key) ?? { weight: 0, support: 0 };
      edges.set(key, {
        weight: Math.fround(edge.weight + edgeWeights[k]!),
        support: edge.support + edgeSupport[k]!,
      });
    });
  }
  const ids = [...counts.keys()].sort((a, b) => a - b);
  const kept = [...edges].filter(([, { weight }]) => weight !== 0).sort(([a], [b]) => a - b);
  return {
    episodes: graph.episodes + delta.episodes,
    nodeIds: Uint32Array.from(ids),
    nodeCounts: Float32Array.from(ids, (id) => counts.get(id)!),
    edgeA: Uint32Array.from(kept, ([key]) => Math.floor(key / 2 ** 20)),
    edgeB: Uint32Array.from(kept, ([key]) => key % 2 ** 20),
    edgeWeights: Float32Array.from(kept, ([, { weight }]) => weight),
    edgeSupport: Float32Array.from(kept, ([, { support }]) => support),
  };
}

describe('learn', () => {
  test('completes held-out episodes better than before, and lays them lower', () => {
    const outcome = learn(input());
    expect(outcome.completionAfter).toBeGreaterThan(1.5 * outcome.completionBefore);
    expect(outcome.energyAfter).toBeLessThan(outcome.energyBefore);
    expect(outcome.edgesChanged).toBe(outcome.delta.edgeA.length);
  });

  test('a second batch adds to what the first has taught', () => {
    const graph = applied(empty, learn(input()).delta);
    const outcome = learn(input({ graph, episodes: episodesOf(300, 2), seed: 2 }));
    expect(outcome.completionAfter).toBeGreaterThan(outcome.completionBefore);
    expect(outcome.energyAfter).toBeLessThan(outcome.energyBefore);
  });

  test('same input, same outcome', () => {
    expect(learn(input())).toEqual(learn(input()));
  });

  test('counts every concept of every episode once, and how often ends were seen together', () => {
    const { delta } = learn(input());
    const { episodes } = input();
    expect(delta.episodes).toBe(300);
    delta.nodeIds.forEach((id, k) =>
      expect(delta.nodeCounts[k]).toBe(episodes.filter(({ ids }) => ids.includes(id)).length),
    );
    for (const k of [0, 10, 100]) {
      const [a, b] = [delta.edgeA[k]!, delta.edgeB[k]!];
      const together = episodes.filter(({ ids }) => ids.includes(a) && ids.includes(b)).length;
      expect(delta.edgeSupport[k]).toBe(together);
    }
  });

  test('a rehearsal counts nothing', () => {
    const graph = applied(empty, learn(input()).delta);
    const { delta } = learn(input({ graph, rehearsal: true }));
    expect(delta.episodes).toBe(0);
    expect(delta.nodeIds.length).toBe(0);
    expect(delta.edgeSupport.every((support) => support === 0)).toBe(true);
  });

  test('a delta takes an edge that no longer holds to exactly 0', () => {
    const noisy = { ...parameters, l1Strength: 1e-2, learningRate: 0.1 };
    let graph = applied(empty, learn(input({ episodes: episodesOf(40, 1), parameters: noisy })).delta);
    const first = graph.edgeA.length;
    for (let batch = 2; batch < 6; batch++) {
      const step = learn(input({ graph, episodes: episodesOf(200, batch), parameters: noisy, seed: batch }));
      graph = applied(graph, step.delta);
      expect(graph.edgeWeights.every((weight) => Math.abs(weight) > 1e-6)).toBe(true);
    }
    expect(first).toBeGreaterThan(0);
  });

  test('the learning rate decides how far a batch that contradicts the graph moves it', () => {
    const graph = applied(empty, learn(input()).delta);
    const contrary = episodesOf(300, 3, 3);
    const moved = (learningRate: number) => {
      const { delta } = learn(
        input({ graph, episodes: contrary, parameters: { ...parameters, learningRate } }),
      );
      return delta.edgeWeights.reduce((sum, change) => sum + Math.abs(change), 0);
    };
    expect(moved(0.001)).toBeLessThan(moved(0.01));
    expect(moved(0.01)).toBeLessThan(moved(0.1));
  });

  test('a hotter start costs more sweeps', () => {
    const loops = (annealT0: number) => learn(input({ parameters: { ...parameters, annealT0 } })).settleLoops;
    expect(loops(0.25)).toBeLessThan(loops(2));
    expect(loops(2)).toBeLessThan(loops(8));
  });

  test('takes a single episode', () => {
    const { delta } = learn(input({ episodes: [sparseVector([[7, 1]])] }));
    expect([...delta.nodeIds]).toEqual([7]);
    expect(delta.edgeA.length).toBe(0);
  });
});
