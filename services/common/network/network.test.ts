import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anneal, metropolisSweep } from './anneal.js';
import { completeCue } from './complete.js';
import { energy, fieldOf, spinsOf } from './energy.js';
import { buildNetwork, couplingGain, logOdds, type ConceptNetwork } from './network.js';
import { seededRandom } from './random.js';
import { scaleOf, weightScale } from './scale.js';
import { settle } from './settle.js';

/** A network of n nodes (ids 10, 20, ...) from a dense upper triangle of couplings and counts out of 100 episodes. */
function networkOf(n: number, coupling: (a: number, b: number) => number, count: (i: number) => number) {
  const pairs: [number, number][] = [];
  for (let a = 0; a < n; a++) for (let b = a + 1; b < n; b++) pairs.push([a, b]);
  const weight = ([a, b]: [number, number]) =>
    (coupling(a, b) * weightScale(scaleOf(count(a)), scaleOf(count(b)))) / couplingGain;
  return buildNetwork({
    nodeIds: Uint32Array.from({ length: n }, (_, i) => 10 * (i + 1)),
    nodeCounts: Float32Array.from({ length: n }, (_, i) => count(i)),
    episodes: 100,
    edgeA: Uint32Array.from(pairs, ([a]) => 10 * (a + 1)),
    edgeB: Uint32Array.from(pairs, ([, b]) => 10 * (b + 1)),
    edgeWeights: Float32Array.from(pairs, weight),
  });
}

/** A random network of 2 to 9 nodes with couplings in [-3, 3]. */
const networks = fc.tuple(fc.integer({ min: 2, max: 9 }), fc.integer()).map(([n, seed]) => {
  const random = seededRandom(seed);
  const counts = Array.from({ length: n }, () => Math.floor(101 * random()));
  return networkOf(
    n,
    () => (random() < 0.3 ? 0 : 6 * random() - 3),
    (i) => counts[i]!,
  );
});

const stateOf = (network: ConceptNetwork, bits: number) =>
  Uint8Array.from(network.nodeIds, (_, i) => (bits >> i) & 1);

/** Energy from its definition over a dense matrix, as samplers of other projects evaluate it. */
function directEnergy(network: ConceptNetwork, state: Uint8Array): number {
  const n = state.length;
  const dense = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let at = network.rowStart[i]!; at < network.rowStart[i + 1]!; at++)
      dense[i * n + network.columns[at]!] = network.couplings[at]!;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum -= network.bias[i]! * state[i]!;
    for (let j = i + 1; j < n; j++) sum -= (dense[i * n + j]! - network.inhibition) * state[i]! * state[j]!;
  }
  return sum;
}

describe('buildNetwork', () => {
  test('is symmetric, and its bias is the log-odds of the count', () => {
    const network = networkOf(
      3,
      (a, b) => a + 2 * b,
      () => 20,
    );
    expect([...network.rowStart]).toEqual([0, 2, 4, 6]);
    expect([...network.columns]).toEqual([1, 2, 0, 2, 0, 1]);
    [2, 4, 2, 5, 4, 5].forEach((coupling, at) => expect(network.couplings[at]).toBeCloseTo(coupling, 5));
    expect(network.bias[0]).toBeCloseTo(Math.log(20.5 / 80.5), 6);
    expect(network.rmsField).toBeCloseTo(Math.sqrt((2 * (4 + 16 + 25)) / 3), 5);
  });

  test('takes the scale of common concepts out of their couplings', () => {
    const input = {
      nodeIds: Uint32Array.of(1, 2),
      episodes: 1000,
      edgeA: Uint32Array.of(1),
      edgeB: Uint32Array.of(2),
      edgeWeights: Float32Array.of(0.05),
    };
    const rare = buildNetwork({ ...input, nodeCounts: Float32Array.of(0, 0) });
    expect(rare.couplings[0]).toBeCloseTo(couplingGain * 0.5, 5);
    const common = buildNetwork({ ...input, nodeCounts: Float32Array.of(0, 165) });
    expect(common.couplings[0]).toBeCloseTo((couplingGain * 0.5) / 4 ** 0.75, 5); // u = 16^½
  });

  test('keeps the bias finite at the ends', () => {
    expect(logOdds(0, 10)).toBeCloseTo(-Math.log(21), 12);
    expect(logOdds(10, 10)).toBeCloseTo(Math.log(21), 12);
    expect(logOdds(0, 0)).toBe(0);
  });

  test('refuses an edge to an unknown node and ids out of order', () => {
    const nodes = { nodeIds: Uint32Array.of(1, 2), nodeCounts: Float32Array.of(1, 1), episodes: 2 };
    const edge = { edgeA: Uint32Array.of(1), edgeB: Uint32Array.of(7), edgeWeights: Float32Array.of(1) };
    expect(() => buildNetwork({ ...nodes, ...edge })).toThrow('edge names concept 7');
    expect(() => buildNetwork({ ...nodes, ...edge, nodeIds: Uint32Array.of(2, 1) })).toThrow('ascending');
  });
});

describe('energy', () => {
  test('agrees with the direct evaluation in every state', () => {
    fc.assert(
      fc.property(networks, (network) => {
        for (let bits = 0; bits < 1 << network.nodeIds.length; bits++) {
          const state = stateOf(network, bits);
          expect(energy(network, state)).toBeCloseTo(directEnergy(network, state), 9);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('changes by the local field when one node flips', () => {
    fc.assert(
      fc.property(networks, fc.nat(), (network, bits) => {
        const state = stateOf(network, bits);
        const spins = spinsOf(network, state);
        for (let i = 0; i < state.length; i++) {
          const other = state.slice();
          other[i] = 1 - other[i]!;
          const sign = other[i] === 1 ? -1 : 1;
          expect(energy(network, other) - energy(network, state)).toBeCloseTo(
            sign * fieldOf(network, spins, i),
            9,
          );
        }
      }),
    );
  });
});

describe('settle', () => {
  test('never raises the energy, keeps clamped nodes and ends where no free flip would lower it', () => {
    fc.assert(
      fc.property(networks, fc.nat(), fc.nat(), (network, bits, clampBits) => {
        const start = stateOf(network, bits);
        const clamped = stateOf(network, clampBits);
        const { state, energyStart, energyEnd, settled } = settle(network, start, clamped);
        expect(settled).toBe(true);
        expect(energyEnd).toBeLessThanOrEqual(energyStart);
        expect(energyEnd).toBeCloseTo(energy(network, state), 9);
        const spins = spinsOf(network, state);
        for (let i = 0; i < state.length; i++) {
          const field = fieldOf(network, spins, i);
          if (clamped[i] === 1) expect(state[i]).toBe(start[i]);
          else expect(state[i] === 0 ? field : -field).toBeLessThanOrEqual(1e-6);
        }
      }),
    );
  });

  test('recalls Hopfield patterns stored below capacity from cues with 30 % of the bits flipped', () => {
    const n = 400;
    const patterns = 20; // load 0.05, against the capacity 0.138 (Amit, Gutfreund, Sompolinsky 1985)
    const random = seededRandom(5);
    const spins = Array.from({ length: patterns }, () =>
      Int8Array.from({ length: n }, () => (random() < 0.5 ? -1 : 1)),
    );
    const hebb = (a: number, b: number) => spins.reduce((sum, spin) => sum + spin[a]! * spin[b]!, 0) / n;
    const network = hopfield(n, hebb);
    for (const spin of spins) {
      const cue = Uint8Array.from(spin, (value) => (value * (random() < 0.3 ? -1 : 1) > 0 ? 1 : 0));
      const { state } = settle(network, cue);
      const agreeing = state.filter((bit, i) => (bit === 1 ? 1 : -1) === spin[i]).length;
      expect(agreeing / n).toBeGreaterThan(0.95);
    }
  });
});

/**
 * The ±1 network with couplings J and no bias in 0/1 form: s = 2x - 1 gives W = 4J and b = -2 J1 (constants dropped).
 */
function hopfield(n: number, coupling: (a: number, b: number) => number): ConceptNetwork {
  const network = networkOf(
    n,
    (a, b) => 4 * coupling(a, b),
    () => 50,
  );
  const bias = Float32Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let at = network.rowStart[i]!; at < network.rowStart[i + 1]!; at++) sum += network.couplings[at]!;
    return -sum / 2;
  });
  return { ...network, bias, inhibition: 0 };
}

describe('anneal', () => {
  test('finds the ground state of small instances, found by enumeration', () => {
    fc.assert(
      fc.property(networks, fc.integer(), (network, seed) => {
        let ground = Infinity;
        for (let bits = 0; bits < 1 << network.nodeIds.length; bits++)
          ground = Math.min(ground, energy(network, stateOf(network, bits)));
        const random = seededRandom(seed);
        const start = stateOf(network, 0);
        const best = Math.min(
          ...Array.from({ length: 20 }, () => anneal(network, start, { t0: 2, random }).energyEnd),
        );
        expect(best).toBeCloseTo(ground, 6);
      }),
      { numRuns: 50 },
    );
  });

  test('reports the energies of its first and last state', () => {
    fc.assert(
      fc.property(networks, fc.nat(), (network, bits) => {
        const start = stateOf(network, bits);
        const run = anneal(network, start, { t0: 2, random: seededRandom(bits) });
        expect(run.energyStart).toBeCloseTo(directEnergy(network, start), 9);
        expect(run.energyEnd).toBeCloseTo(directEnergy(network, run.state), 9);
      }),
    );
  });

  test('repeats exactly under one seed', () => {
    const network = networkOf(
      8,
      (a, b) => Math.sin(a * 7 + b),
      () => 40,
    );
    const run = () => anneal(network, stateOf(network, 0), { t0: 2, random: seededRandom(9) });
    expect(run()).toEqual(run());
  });
});

describe('metropolisSweep', () => {
  test('samples the Boltzmann law (chi-squared over all states)', () => {
    const network = networkOf(
      4,
      (a, b) => [0.8, -1.1, 0.5][(a + b) % 3]!,
      (i) => 30 + 10 * i,
    );
    const states = 1 << network.nodeIds.length;
    const temperature = 1.3;
    const boltzmann = Array.from({ length: states }, (_, bits) =>
      Math.exp(-energy(network, stateOf(network, bits)) / temperature),
    );
    const partition = boltzmann.reduce((sum, weight) => sum + weight, 0);
    const spins = spinsOf(network, stateOf(network, 0));
    const random = seededRandom(3);
    const counts = new Float64Array(states);
    const samples = 40_000;
    for (let sample = 0; sample < samples; sample++) {
      // Eight sweeps between samples leave no correlation that the test could see.
      for (let sweep = 0; sweep < 8; sweep++) metropolisSweep(network, spins, { temperature, random });
      counts[spins.state.reduce((bits, bit, i) => bits | (bit << i), 0)]!++;
    }
    let chiSquared = 0;
    boltzmann.forEach((weight, bits) => {
      const expected = (samples * weight) / partition;
      chiSquared += (counts[bits]! - expected) ** 2 / expected;
    });
    expect(chiSquared).toBeLessThan(37.7); // 99.9 % quantile at 15 degrees of freedom
  });
});

describe('completeCue', () => {
  // Concepts 10, 20, 30 belong together; 40 excludes 10.
  const weights = new Map([
    ['0,1', 6],
    ['0,2', 3],
    ['1,2', 1],
    ['0,3', -4],
  ]);
  const network = networkOf(
    4,
    (a, b) => weights.get(`${a},${b}`) ?? 0,
    () => 10,
  );

  test('ranks the concepts outside the cue by their settled field', () => {
    const { concepts, energyStart, energyEnd } = completeCue(
      network,
      { ids: Uint32Array.of(10, 99), values: Float32Array.of(1, 1) },
      10,
    );
    expect(concepts.map(({ id }) => id)).toEqual([20, 30, 40]);
    expect(concepts.map(({ active }) => active)).toEqual([true, true, false]);
    expect(energyEnd).toBeLessThan(energyStart);
  });

  test('returns at most the limit', () => {
    const cue = { ids: Uint32Array.of(10), values: Float32Array.of(1) };
    expect(completeCue(network, cue, 1).concepts.map(({ id }) => id)).toEqual([20]);
  });
});

describe('seededRandom', () => {
  test('is uniform and unrelated between neighbouring small seeds', () => {
    // First draws of 4096 neighbouring seeds fall evenly into 16 cells.
    const cells = new Float64Array(16);
    for (let seed = 0; seed < 4096; seed++) cells[Math.floor(16 * seededRandom(seed)())]!++;
    const chiSquared = cells.reduce((sum, count) => sum + (count - 256) ** 2 / 256, 0);
    expect(chiSquared).toBeLessThan(37.7);
  });
});
