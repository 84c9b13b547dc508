import { Duration } from '../api/duration.js';
import type { Aggregate } from '../api/tuning-rules.js';
import type { Estimate } from '../api/tuning-status.js';
import { perCycle, type CycleSample } from '../samples/cycles.js';
import type { Sample, Series } from '../samples/series.js';
import { isFresh } from '../samples/windows.js';
import { aggregate } from './aggregate.js';

/** Counts the sleep cycles; every window is read by it, so that scrapes do not matter. */
export const cycleCounter = 'consol_cycles_total';

/** Series of the stable track by metric, each over the longest window that a rule asks for, or why there are none. */
export type TuningSamples = Readonly<Record<string, readonly Series[] | SourceFailure>>;

/** The source could not be read. */
export interface SourceFailure {
  readonly error: string;
}

/** What the tuner looks at, and when. */
export interface View {
  readonly samples: TuningSamples;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Age in milliseconds at which the newest sample no longer supports a decision. */
  readonly staleAfterMs: number;
}

/** Which samples become one number, and how; the fields are those of a rule. */
export interface Query {
  readonly metric: string;
  readonly aggregate: Aggregate;
  readonly window: string;
  readonly cycles?: number;
  readonly minSamples: number;
}

/** A number, or why there is none. `stale` is a fault of the measuring; otherwise there is only not enough yet. */
export type Reading =
  | { readonly kind: 'value'; readonly estimate: Estimate }
  | { readonly kind: 'missing'; readonly stale: boolean; readonly reason: string };

/**
 * Reads a window.
 * @param evidenceFrom cycles first seen up to this instant (epoch milliseconds) ran under another value and do not
 * count; neither does the first one after it, which may have begun before
 */
export function read(query: Query, view: View, evidenceFrom: number | undefined): Reading {
  const metric = fresh(query.metric, view);
  if (typeof metric === 'string') return { kind: 'missing', stale: true, reason: metric };
  const counter = fresh(cycleCounter, view);
  if (typeof counter === 'string') return { kind: 'missing', stale: true, reason: counter };

  const cycles = inWindow(query, perCycle(metric, counter), view.now, evidenceFrom);
  if (cycles.length < query.minSamples) {
    return notYet(`${cycles.length} of ${query.minSamples} sleep cycles in the window`);
  }
  if (query.aggregate === 'growthPerWeek' && !covers(query, cycles)) {
    return notYet(`the sleep cycles cover less than half of the ${query.window} window`);
  }
  const estimate = aggregate(query.aggregate, cycles);
  return estimate === undefined
    ? notYet(`no ${query.aggregate} of ${query.metric} yet`)
    : { kind: 'value', estimate };
}

/** The newest value of a metric; undefined when it is missing or stale. */
export function newest(metric: string, view: View): number | undefined {
  const samples = fresh(metric, view);
  return typeof samples === 'string' ? undefined : samples.at(-1)?.value;
}

/** The samples of a metric, or what is wrong with them. */
function fresh(metric: string, { samples, now, staleAfterMs }: View): readonly Sample[] | string {
  const found = samples[metric] ?? [];
  if ('error' in found) return `the source failed: ${found.error}`;
  const [series, ...others] = found;
  if (series === undefined) return `${metric} has no samples`;
  if (others.length > 0) return `${metric} has ${others.length + 1} series, which are not one number`;
  if (isFresh(series.samples, now, staleAfterMs)) return series.samples;
  const age = Math.round((now - (series.samples.at(-1)?.at ?? now)) / 1000);
  return `${metric} is ${age} s old`;
}

function inWindow(
  query: Query,
  cycles: readonly CycleSample[],
  now: number,
  evidenceFrom: number | undefined,
): readonly CycleSample[] {
  const after = now - Duration.parse(query.window).milliseconds;
  const recent = cycles.filter(({ at }) => at > after);
  const counted = evidenceFrom === undefined ? recent : sinceChange(cycles, evidenceFrom, after);
  return counted.slice(-(query.cycles ?? counted.length));
}

function sinceChange(cycles: readonly CycleSample[], evidenceFrom: number, after: number): CycleSample[] {
  return cycles
    .filter(({ at }) => at > evidenceFrom)
    .slice(1)
    .filter(({ at }) => at > after);
}

/** A trend over a week cannot be told from its first days. */
function covers(query: Query, cycles: readonly CycleSample[]): boolean {
  return cycles.at(-1)!.at - cycles[0]!.at >= Duration.parse(query.window).milliseconds / 2;
}

function notYet(reason: string): Reading {
  return { kind: 'missing', stale: false, reason };
}
