import { Duration } from '../api/duration.js';
import type { TuningProfileSpec } from '../api/tuning-profile.js';
import type { MetricsProvider } from '../samples/series.js';
import { cycleCounter } from '../tuning/reading.js';
import type { TuningSamples } from '../tuning/tune.js';

/** The metrics that a profile's rules read. */
export function tuningMetrics(profile: TuningProfileSpec): string[] {
  const named = profile.rules.flatMap(({ metric, skipBelow, objective }) => [
    metric,
    skipBelow,
    objective?.metric,
  ]);
  return [...new Set([cycleCounter, ...named.filter((name) => name !== undefined)])];
}

/**
 * Reads what the tuner looks at: each metric of the stable track over the longest window of any rule. A source that
 * cannot be read stands in the place of the series, so that the tuner says why it holds still.
 */
export async function tuningSamples(
  provider: MetricsProvider,
  profile: TuningProfileSpec,
): Promise<TuningSamples> {
  const longest = Math.max(0, ...profile.rules.map(({ window }) => Duration.parse(window).milliseconds));
  const series = await Promise.all(
    tuningMetrics(profile).map(async (metric) => [metric, await read(provider, metric, longest)] as const),
  );
  return Object.fromEntries(series);
}

async function read(
  provider: MetricsProvider,
  metric: string,
  windowMs: number,
): Promise<TuningSamples[string]> {
  try {
    return await provider.window(metric, { track: 'stable' }, windowMs);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
