import { build, type Histogram } from 'hdr-histogram-js';

/** Latencies as they are printed, in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Records latencies from a microsecond to an hour with three significant digits (HdrHistogram). */
export class Latencies {
  readonly #microseconds: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3_600_000_000,
    numberOfSignificantValueDigits: 3,
  });

  record(ms: number): void {
    this.#microseconds.recordValue(Math.min(3_600_000_000, Math.max(1, Math.round(1000 * ms))));
  }

  /** Zeros when nothing was recorded. */
  summary(): LatencySummary {
    const { maxValue, totalCount } = this.#microseconds;
    // A percentile is the upper end of its bucket, which may lie above the exact maximum.
    const at = (percentile: number): number =>
      Math.min(maxValue, this.#microseconds.getValueAtPercentile(percentile)) / 1000;
    return {
      count: totalCount,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: maxValue / 1000,
    };
  }
}

/** Cells of a summary for a table with the headings of {@link latencyHeadings}. */
export function latencyCells({ p50, p90, p99, p999, max }: LatencySummary): string[] {
  return [p50, p90, p99, p999, max].map((ms) => `${ms.toFixed(ms < 10 ? 2 : 1)} ms`);
}

export const latencyHeadings = ['p50', 'p90', 'p99', 'p99.9', 'max'] as const;
