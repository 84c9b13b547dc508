import type { Sample } from './series.js';

/** What a metric read at the end of one sleep cycle. */
export interface CycleSample {
  /** Number of the cycle; it goes on counting over restarts of the service. */
  readonly cycle: number;
  /** Epoch milliseconds of the first scrape that saw this cycle. */
  readonly at: number;
  /** The value at the last scrape that saw it. */
  readonly value: number;
}

/**
 * Reads a metric once for each distinct sleep cycle, however often it was scraped.
 *
 * Samples from before the first cycle of a process are left out: gauges then still hold their initial 0. A cycle of
 * which no scrape was made is unknown, so `cycle` may jump.
 * @param samples readings of the metric, oldest first
 * @param counter readings of `consol_cycles_total` in the same rounds, oldest first
 */
export function perCycle(samples: readonly Sample[], counter: readonly Sample[]): CycleSample[] {
  const numbers = cycleNumbers(counter);
  const cycles: CycleSample[] = [];
  let next = 0;
  for (const { at, value } of samples) {
    while (next < numbers.length && numbers[next]!.at <= at) next++;
    const cycle = numbers[next - 1]?.cycle;
    if (cycle === undefined) continue;
    const last = cycles.at(-1);
    if (last?.cycle === cycle) cycles[cycles.length - 1] = { ...last, value };
    else cycles.push({ cycle, at, value });
  }
  return cycles;
}

/** The counter with restarts taken out; undefined before the first cycle of a process. */
function cycleNumbers(counter: readonly Sample[]): { at: number; cycle: number | undefined }[] {
  let beforeRestart = 0;
  return counter.map(({ at, value }, index) => {
    const previous = counter[index - 1]?.value ?? 0;
    if (value < previous) beforeRestart += previous;
    return { at, cycle: value === 0 ? undefined : beforeRestart + value };
  });
}
