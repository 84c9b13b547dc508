/** Label names and values; `track` and `service` come from the target, not from the text. */
export type Labels = Readonly<Record<string, string>>;

/** One reading of a metric. */
export interface Sample {
  /** Epoch milliseconds of the scrape round. All services of a round share it, so that series can be joined by it. */
  readonly at: number;
  /** Finite: NaN and infinities count as missing and are never kept. */
  readonly value: number;
}

/** Readings of one metric with one set of labels, oldest first. */
export interface Series {
  readonly labels: Labels;
  readonly samples: readonly Sample[];
}

/** Where samples come from: kept ones of our own scrapes, or the query API of a Prometheus. */
export interface MetricsProvider {
  /**
   * Series of a metric that carry these labels, with their samples of the last `durationMs` milliseconds before `now`.
   * A series without a sample in that time is left out.
   */
  window(metric: string, labels: Labels, durationMs: number): Promise<readonly Series[]>;
}

/** The series added up, reading by reading; a round that misses one of them counts the others. */
export function summed(series: readonly Series[]): Sample[] {
  const sums = new Map<number, number>();
  for (const { at, value } of series.flatMap(({ samples }) => samples)) {
    sums.set(at, (sums.get(at) ?? 0) + value);
  }
  return [...sums].map(([at, value]) => ({ at, value })).sort((a, b) => a.at - b.at);
}
