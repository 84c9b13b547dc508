import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { parseExposition } from './exposition.js';

const value = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e300, 5e-324),
  fc.integer(),
);
/** Any text but lone surrogates, which UTF-8 cannot carry. */
const labelValue = fc.string({ unit: 'grapheme', maxLength: 12 });
const awkward = fc.constantFrom('a"b', 'c\\d', 'e\nf', '{x="y"} 1', '\\n', '\\', '', ' ', ',}');

describe('the text format', () => {
  test('gives back what prom-client wrote: gauges with any label and value', async () => {
    const series = fc.uniqueArray(fc.tuple(fc.oneof(labelValue, awkward), labelValue, value), {
      selector: ([a, b]) => JSON.stringify([a, b]),
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(series, async (list) => {
        const registry = new Registry();
        const gauge = new Gauge({
          name: 'g',
          help: 'A "help" with \\ and\na new line.',
          labelNames: ['a', 'b'],
          registers: [registry],
        });
        for (const [a, b, reading] of list) gauge.labels(a, b).set(reading);
        const [family] = parseExposition(await registry.metrics());
        expect(family).toMatchObject({ name: 'g', type: 'gauge' });
        const read = family?.samples.map(({ labels, value: got }) => [labels['a'], labels['b'], got + 0]);
        expect(read).toEqual(list.map(([a, b, reading]) => [a, b, reading + 0]));
      }),
      { numRuns: 200 },
    );
  });

  test('gives back counters, histograms and summaries under their family', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ track: 'canary' });
    const registers = [registry];
    new Counter({ name: 'c_total', help: 'c', registers }).inc(3);
    const histogram = new Histogram({ name: 'h', help: 'h', buckets: [0.1, 1], registers });
    for (const seconds of [0.05, 0.5, 5]) histogram.observe(seconds);
    new Summary({ name: 's', help: 's', percentiles: [0.5], registers }).observe(2);
    const families = parseExposition(await registry.metrics());
    expect(families.map(({ name, type }) => [name, type])).toEqual([
      ['c_total', 'counter'],
      ['h', 'histogram'],
      ['s', 'summary'],
    ]);
    expect(families[1]?.samples).toEqual([
      { name: 'h_bucket', labels: { le: '0.1', track: 'canary' }, value: 1 },
      { name: 'h_bucket', labels: { le: '1', track: 'canary' }, value: 2 },
      { name: 'h_bucket', labels: { le: '+Inf', track: 'canary' }, value: 3 },
      { name: 'h_sum', labels: { track: 'canary' }, value: 5.55 },
      { name: 'h_count', labels: { track: 'canary' }, value: 3 },
    ]);
  });

  test('reads blanks, timestamps, comments, a trailing comma and a page of another system', () => {
    const page = [
      '# a comment',
      '#',
      '# TYPE up gauge',
      'up 1 1700000000000',
      'x{ a = "1" , b="2", } +Inf',
      'y{} .5e-3',
      'z -Inf\r',
      '',
    ].join('\n');
    expect(parseExposition(page).flatMap(({ samples }) => samples)).toEqual([
      { name: 'up', labels: {}, value: 1 },
      { name: 'x', labels: { a: '1', b: '2' }, value: Infinity },
      { name: 'y', labels: {}, value: 0.0005 },
      { name: 'z', labels: {}, value: -Infinity },
    ]);
  });

  test.each([
    ['<html>', 'a metric name'],
    ['x', 'a value and an optional timestamp'],
    ['x one', 'a number, NaN, +Inf or -Inf'],
    ['x 0x10', 'a number, NaN, +Inf or -Inf'],
    ['x{a="1" 2', ', or }'],
    ['x{a="1', 'a quoted label value'],
    ['x{1a="1"} 2', 'a label name or }'],
    ['x{a="1"b="2"} 3', ', or }'],
    ['x 1 2 3', 'a value and an optional timestamp'],
    ['# TYPE x thing', 'a TYPE of the text format'],
  ])('refuses %j, naming the line and what was expected', (line, expected) => {
    expect(() => parseExposition(`up 1\n${line}\n`)).toThrow(`metrics page, line 2:`);
    expect(() => parseExposition(`up 1\n${line}\n`)).toThrow(`expected ${expected}`);
  });
});
