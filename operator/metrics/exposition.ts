import { ServiceError, quote } from '../../services/common/errors.js';
import type { Labels } from '../samples/series.js';

/** One line of a `/metrics` page. */
export interface ExposedSample {
  /** Name on the line, with `_bucket`, `_sum` or `_count` where the type has them. */
  readonly name: string;
  readonly labels: Labels;
  /** May be NaN or infinite. */
  readonly value: number;
}

/** Samples of one metric with its type. */
export interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly samples: ExposedSample[];
}

const metricTypes = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;
export type MetricType = (typeof metricTypes)[number];

const name = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const labelName = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const labelValue = /"((?:[^"\\]|\\.)*)"/y;
const blanks = /[ \t]*/y;
const rest = /(\S+)(?:[ \t]+(-?[0-9]+))?[ \t]*$/y;
const comment = /^#[ \t]+(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]+(.*))?$/;
const numberText = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;

/**
 * Parses the Prometheus text exposition format 0.0.4. Strict: a line that the format does not know is refused, because
 * half a page must not look like a page. Timestamps are read over: the scrape's own time counts.
 * @throws ServiceError INTERNAL naming the line
 */
export function parseExposition(text: string): Family[] {
  const families = new Map<string, Family>();
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '') continue;
    if (trimmed.startsWith('#')) readComment(trimmed, families, index);
    else readSample(trimmed, families, index);
  }
  return [...families.values()];
}

function readComment(line: string, families: Map<string, Family>, index: number): void {
  const match = comment.exec(line);
  if (match === null) return;
  const [, keyword, metric = '', text = ''] = match;
  const family = families.get(metric) ?? untyped(metric);
  if (keyword === 'HELP') {
    families.set(metric, { ...family, help: unescape(text) });
    return;
  }
  const type = metricTypes.find((known) => known === text);
  if (type === undefined) throw malformed(index, line, 'a TYPE of the text format');
  families.set(metric, { ...family, type });
}

function readSample(line: string, families: Map<string, Family>, index: number): void {
  const cursor = new Cursor(line, index);
  const sampleName = cursor.take(name, 'a metric name')[0];
  const labels = cursor.skip('{') ? readLabels(cursor) : {};
  cursor.take(blanks, 'a blank');
  const valueText = cursor.take(rest, 'a value and an optional timestamp')[1]!;
  const value = numberOf(valueText);
  if (value === undefined) throw malformed(index, line, 'a number, NaN, +Inf or -Inf');
  familyOf(sampleName, families).samples.push({ name: sampleName, labels, value });
}

function readLabels(cursor: Cursor): Labels {
  const labels: [string, string][] = [];
  cursor.take(blanks, 'a blank');
  while (!cursor.skip('}')) {
    const key = cursor.take(labelName, 'a label name or }')[0];
    cursor.take(blanks, 'a blank');
    cursor.expect('=');
    cursor.take(blanks, 'a blank');
    labels.push([key, unescape(cursor.take(labelValue, 'a quoted label value')[1]!)]);
    cursor.take(blanks, 'a blank');
    if (!cursor.skip(',') && !cursor.at('}')) throw cursor.error(', or }');
    cursor.take(blanks, 'a blank');
  }
  return Object.fromEntries(labels);
}

/** A place in a line. */
class Cursor {
  readonly #line: string;
  readonly #index: number;
  #offset = 0;

  constructor(line: string, index: number) {
    this.#line = line;
    this.#index = index;
  }

  /** Reads what the sticky pattern matches here. */
  take(pattern: RegExp, expected: string): RegExpExecArray {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#line);
    if (match === null) throw this.error(expected);
    this.#offset = pattern.lastIndex;
    return match;
  }

  at(character: string): boolean {
    return this.#line[this.#offset] === character;
  }

  skip(character: string): boolean {
    const there = this.at(character);
    if (there) this.#offset++;
    return there;
  }

  expect(character: string): void {
    if (!this.skip(character)) throw this.error(character);
  }

  error(expected: string): ServiceError {
    return malformed(this.#index, this.#line, expected);
  }
}

/** The family of a sample: that of its own name, or for a histogram or summary that without the suffix. */
function familyOf(sampleName: string, families: Map<string, Family>): Family {
  const own = families.get(sampleName);
  if (own !== undefined) return own;
  const base = families.get(sampleName.replace(/_(bucket|sum|count)$/, ''));
  if (base?.type === 'histogram' || base?.type === 'summary') return base;
  const family = untyped(sampleName);
  families.set(sampleName, family);
  return family;
}

function untyped(metric: string): Family {
  return { name: metric, type: 'untyped', help: '', samples: [] };
}

function numberOf(text: string): number | undefined {
  if (numberText.test(text)) return Number(text);
  const special: Readonly<Record<string, number>> = {
    nan: NaN,
    '+inf': Infinity,
    inf: Infinity,
    '-inf': -Infinity,
  };
  return special[text.toLowerCase().replace('infinity', 'inf')];
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

function malformed(index: number, line: string, expected: string): ServiceError {
  return new ServiceError(
    'INTERNAL',
    `metrics page, line ${index + 1}: ${quote(line)} is not accepted; expected ${expected}`,
  );
}
