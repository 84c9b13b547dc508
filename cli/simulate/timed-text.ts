import type { AnsweredSeries } from '../../operator/metrics/prometheus/answer.js';
import { CliError, exitCodes } from '../exit.js';

const line =
  /^([a-zA-Z_:][\w:]*)?(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)(?:\s+(-?[\d.eE+]+))?(?:\s+#.*)?$/;
const label = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;
/** Timestamps below are seconds (OpenMetrics), above milliseconds (the dump of promtool): 1973 against the year 5138. */
const mostSeconds = 1e11;

/**
 * Reads samples with timestamps: OpenMetrics text, or what `promtool tsdb dump` prints.
 * @param file names the file in errors
 * @throws CliError that names the line
 */
export function parseTimedText(text: string, file: string): AnsweredSeries[] {
  const series = new Map<string, { metric: Record<string, string>; values: [number, string][] }>();
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const { key, metric, at, value } = sampleOf(content, `${file}:${index + 1}`);
    const found = series.get(key) ?? { metric: metric(), values: [] };
    series.set(key, found);
    found.values.push([at, value]);
  }
  return [...series.values()];
}

interface TimedSample {
  readonly key: string;
  readonly metric: () => Record<string, string>;
  /** Seconds. */
  readonly at: number;
  readonly value: string;
}

function sampleOf(content: string, place: string): TimedSample {
  const match = line.exec(content);
  if (match === null) throw malformed(place, content, 'NAME{LABELS} VALUE TIMESTAMP');
  const [, name, labels = '', value = '', time] = match;
  if (time === undefined) {
    throw malformed(place, content, 'a timestamp after the value: a page of one scrape is no recording');
  }
  const number = Number(time);
  if (!Number.isFinite(number)) throw malformed(place, content, 'a timestamp after the value');
  if (Number.isNaN(Number(value)) && !/^([+-]?Inf|NaN)$/i.test(value))
    throw malformed(place, content, 'a number');
  return {
    key: `${name ?? ''}{${labels}}`,
    metric: () => ({ ...(name !== undefined && { __name__: name }), ...labelsOf(labels, place) }),
    at: number < mostSeconds ? number : number / 1000,
    value,
  };
}

function labelsOf(text: string, place: string): Record<string, string> {
  const labels: Record<string, string> = {};
  label.lastIndex = 0;
  while (label.lastIndex < text.trimEnd().length) {
    const from = label.lastIndex;
    const match = label.exec(text);
    if (match === null) throw malformed(place, text.slice(from), 'LABEL="VALUE"');
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
  }
  return labels;
}

function malformed(place: string, content: string, expected: string): CliError {
  const shown = content.length <= 80 ? content : `${content.slice(0, 77)}...`;
  return new CliError(
    exitCodes.refused,
    `${place}: ${JSON.stringify(shown)} is not accepted; expected ${expected}`,
  );
}
