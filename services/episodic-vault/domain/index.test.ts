import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ConceptIndex } from './concept-index.js';
import type { Posting } from './posting-list.js';
import { query } from './query.js';
import { bm25, rank, type Scored } from './rank.js';
import { Segment, segmentSize, type IndexedEpisode } from './segment.js';

/** An episode as a map, the form in which the reference computations below read. */
interface Sample {
  readonly sequence: number;
  readonly timeUnixMs: number;
  readonly activations: ReadonlyMap<number, number>;
}

const concepts = 6;

const activations = fc
  .uniqueArray(fc.nat(concepts - 1), { minLength: 1, maxLength: concepts })
  .chain((ids) =>
    fc
      .array(fc.integer({ min: 1, max: 8 }), { minLength: ids.length, maxLength: ids.length })
      .map((values) => new Map(ids.map((id, k) => [id, values[k]! / 4]))),
  );

/** Episodes on both sides of a segment border, some of which are removed later. */
const corpus = fc.array(
  fc.record({
    gap: fc.constantFrom(1, 1, 2, 3000),
    timeUnixMs: fc.integer({ min: -3, max: 3 }),
    activations,
    removed: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

type Drawn = typeof corpus extends fc.Arbitrary<infer T> ? T : never;

function build(drawn: Drawn, sealFirst: boolean) {
  let sequence = 0;
  const all = drawn.map(({ gap, removed, ...rest }) => ({ ...rest, removed, sequence: (sequence += gap) }));
  const sealed = new Map<string, Posting>();
  const index = new ConceptIndex((segment, concept) => sealed.get(`${segment}:${concept}`));
  for (const episode of all) index.add(indexed(episode));
  if (sealFirst) {
    const segment = index.segments[0]!;
    for (const concept of segment.concepts()) {
      sealed.set(`${segment.number}:${concept}`, segment.posting(concept)!);
    }
    segment.seal();
  }
  for (const episode of all) if (episode.removed) index.remove(episode.sequence);
  return { index, stored: all.filter((episode) => !episode.removed) };
}

function indexed({ sequence, timeUnixMs, activations: map }: Sample): IndexedEpisode {
  const ids = Uint32Array.from(map.keys()).sort();
  return { sequence, timeUnixMs, ids, values: Float32Array.from(ids, (id) => map.get(id)!) };
}

/** The formula of `rank`, written down once more over plain maps. */
function scoreByHand(stored: readonly Sample[], cue: ReadonlyMap<number, number>): Scored[] {
  const sum = (map: ReadonlyMap<number, number>) => [...map.values()].reduce((a, b) => a + b, 0);
  const total = stored.reduce((length, episode) => length + sum(episode.activations), 0);
  const count = stored.reduce((size, episode) => size + episode.activations.size, 0);
  return stored
    .map(({ sequence, activations: map }) => {
      let score = 0;
      for (const [concept, weight] of cue) {
        const frequency = (map.get(concept) ?? 0) / (total / count);
        const holders = stored.filter((episode) => episode.activations.has(concept)).length;
        const idf = Math.log(1 + (stored.length - holders + 0.5) / (holders + 0.5));
        const norm = 1 - bm25.b + (bm25.b * sum(map)) / (total / stored.length);
        score += (weight * idf * frequency * (bm25.k1 + 1)) / (frequency + bm25.k1 * norm);
      }
      return { sequence, score };
    })
    .filter(({ score }) => score > 0);
}

const cueOf = (map: ReadonlyMap<number, number>) => {
  const { ids, values } = indexed({ sequence: 1, timeUnixMs: 0, activations: map });
  return { ids, values };
};

const byRank = (a: Scored, b: Scored) => b.score - a.score || a.sequence - b.sequence;

describe('rank', () => {
  test('equals BM25 computed from its definition over what is stored', () => {
    fc.assert(
      fc.property(corpus, activations, fc.boolean(), (drawn, cue, sealFirst) => {
        const { index, stored } = build(drawn, sealFirst);
        const expected = scoreByHand(stored, cue).sort(byRank);
        const found = rank(index, cueOf(cue), 1000).sort((a, b) => a.sequence - b.sequence);
        expect(found.map(({ sequence }) => sequence)).toEqual(
          expected.map(({ sequence }) => sequence).sort((a, b) => a - b),
        );
        for (const { sequence, score } of found) {
          expect(score).toBeCloseTo(expected.find((other) => other.sequence === sequence)!.score, 5);
        }
      }),
    );
  });

  test('a limit gives the best, and all that tie with the last of them', () => {
    fc.assert(
      fc.property(corpus, activations, fc.integer({ min: 1, max: 5 }), (drawn, cue, limit) => {
        const { index } = build(drawn, false);
        const all = rank(index, cueOf(cue), 1000).sort(byRank);
        const last = all[Math.min(limit, all.length) - 1]?.score ?? 0;
        expect(rank(index, cueOf(cue), limit).sort(byRank)).toEqual(all.filter(({ score }) => score >= last));
      }),
    );
  });

  test('does not depend on the scale of the activations', () => {
    fc.assert(
      fc.property(corpus, activations, (drawn, cue) => {
        const scaled = drawn.map((episode) => ({
          ...episode,
          activations: new Map([...episode.activations].map(([id, value]) => [id, value * 16])),
        }));
        const found = rank(build(drawn, false).index, cueOf(cue), 1000);
        const again = rank(build(scaled, false).index, cueOf(cue), 1000);
        expect(again.map(({ sequence }) => sequence)).toEqual(found.map(({ sequence }) => sequence));
        again.forEach(({ score }, k) => expect(score).toBeCloseTo(found[k]!.score, 6));
      }),
    );
  });
});

test('query finds what holds enough of the concepts in the time range, newest first', () => {
  const wanted = fc.record({
    concepts: fc.uniqueArray(fc.nat(concepts), { minLength: 1, maxLength: 4 }),
    all: fc.boolean(),
    from: fc.integer({ min: -3, max: 3 }),
    length: fc.integer({ min: 0, max: 6 }),
    limit: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(corpus, wanted, fc.boolean(), (drawn, { all, from, length, limit, ...rest }, sealFirst) => {
      const { index, stored } = build(drawn, sealFirst);
      const atLeast = all ? rest.concepts.length : 1;
      const expected = stored
        .filter(({ timeUnixMs }) => timeUnixMs >= from && timeUnixMs < from + length)
        .filter((sample) => rest.concepts.filter((id) => sample.activations.has(id)).length >= atLeast)
        .sort((a, b) => b.timeUnixMs - a.timeUnixMs || b.sequence - a.sequence)
        .slice(0, limit)
        .map(({ sequence }) => sequence);
      const asked = { fromUnixMs: from, toUnixMs: from + length, atLeast, limit };
      expect(query(index, { concepts: Uint32Array.from(rest.concepts), ...asked })).toEqual(expected);
    }),
  );
});

test('a segment is full once the log is past it, and takes nothing after it was sealed', () => {
  const index = new ConceptIndex(() => undefined);
  const sample = { timeUnixMs: 0, activations: new Map([[1, 1]]) };
  index.add(indexed({ ...sample, sequence: segmentSize }));
  expect(index.nextFull(segmentSize - 1)).toBeUndefined();
  const segment = index.nextFull(segmentSize)!;
  expect(segment.number).toBe(0);
  segment.seal();
  expect(index.nextFull(segmentSize)).toBeUndefined();
  expect(() => index.add(indexed({ ...sample, sequence: 1 }))).toThrow('sealed');
  expect(new Segment(0, segment.columns).live).toBe(1);
});
