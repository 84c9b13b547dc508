import { keptMetrics } from '../../operator/metrics/kept-metrics.js';
import type { AnsweredSeries } from '../../operator/metrics/prometheus/answer.js';
import { PrometheusClient } from '../../operator/metrics/prometheus/client.js';
import { bucketMs, longMs, recentMs } from '../../operator/metrics/retention.js';
import type { Labels } from '../../operator/samples/series.js';
import { merged, type Recording } from '../../operator/simulation/recording.js';
import { ServiceError } from '../../services/common/errors.js';
import { CliError, exitCodes } from '../exit.js';

/** What is asked of a Prometheus. */
export interface Asked {
  readonly url: string;
  /** Reads a bearer token; absent when the server asks for none. */
  readonly readToken?: () => Promise<string>;
  /** Labels that every series must have. */
  readonly labels: Labels;
  /** Metrics of rules beside the standing ones. */
  readonly metrics: readonly string[];
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly signal: AbortSignal;
}

/** Length of one question: an answer stays far below what the client accepts. */
const chunkMs = 2 * 3_600_000;
const timeoutMs = 30_000;

/**
 * Reads what a simulation from `from` to `to` looks at: raw samples from an hour before, and back to eight days the last
 * one of every five minutes, as the operator itself reads them.
 * @throws CliError when the server cannot be read
 */
export async function recordFrom(asked: Asked): Promise<Recording> {
  const { url, readToken, from, to, signal } = asked;
  const client = new PrometheusClient(
    { url, ...(readToken !== undefined && { readToken }) },
    { now: Date.now, timeoutMs, signal },
  );
  const selector = selectorOf(asked);
  const parts: AnsweredSeries[][] = [];
  try {
    const rawFrom = from - recentMs - bucketMs;
    const range = { start: floor(from - longMs), end: floor(rawFrom), stepMs: bucketMs };
    parts.push([...(await client.range(`last_over_time(${selector}[${bucketMs}ms])`, range))]);
    for (let end = rawFrom; end < to;) {
      const start = end;
      end = Math.min(to, start + chunkMs);
      parts.push([...(await client.samples(`${selector}[${end - start}ms]`, end))]);
    }
  } catch (error) {
    signal.throwIfAborted();
    const { message } = ServiceError.from(error);
    throw new CliError(exitCodes.unreachable, message, { cause: error });
  }
  return merged(parts.flat());
}

function selectorOf({ labels, metrics }: Asked): string {
  const names = [...keptMetrics(metrics).keys()].sort().join('|');
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `{${[`__name__=~"${names}"`, ...matchers].join(', ')}}`;
}

function floor(instant: number): number {
  return Math.floor(instant / bucketMs) * bucketMs;
}
