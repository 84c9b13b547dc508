import { Duration } from '../api/duration.js';
import type { TuningRule } from '../api/tuning-rules.js';
import type { ParameterTuning, TunableParameter } from '../api/tuning-status.js';

/** A parameter turns at most so often … */
const mostReversals = 2;
/** … in so many of its cool-downs. */
const windowCoolDowns = 20;

/** Length in milliseconds of the window in which turns are counted: 20 of the longest cool-down of the parameter. */
export function oscillationWindow(rules: readonly TuningRule[], parameter: TunableParameter): number {
  const coolDowns = rules
    .filter((rule) => rule.parameter === parameter)
    .map(({ coolDown }) => Duration.parse(coolDown).milliseconds);
  return windowCoolDowns * Math.max(0, ...coolDowns);
}

export type Direction = 'Up' | 'Down';

export function directionOf(from: number, to: number): Direction {
  return to > from ? 'Up' : 'Down';
}

/**
 * Whether a change in a direction may begin. Besides its own turn it needs one in reserve for its revert: otherwise a
 * trial that fails could not be taken back within the limit.
 * @returns undefined when it may, else the instant (epoch milliseconds) at which the oldest turn leaves the window
 */
export function oscillatingUntil(
  { lastDirection, reversals }: Pick<ParameterTuning, 'lastDirection' | 'reversals'>,
  direction: Direction,
  windowMs: number,
): number | undefined {
  const own = lastDirection !== undefined && lastDirection !== direction ? 1 : 0;
  const excess = reversals.length + own + 1 - mostReversals;
  if (excess <= 0) return undefined;
  return Date.parse(reversals[Math.min(excess, reversals.length) - 1]!) + windowMs;
}

/** Memory of a change: its direction, and the turn if it was one. */
export function turned(
  { lastDirection, reversals }: Pick<ParameterTuning, 'lastDirection' | 'reversals'>,
  direction: Direction,
  at: string,
): { readonly lastDirection: Direction; readonly reversals: readonly string[] } {
  const isTurn = lastDirection !== undefined && lastDirection !== direction;
  return { lastDirection: direction, reversals: isTurn ? [...reversals, at] : reversals };
}

/** The turns that still count. */
export function recentReversals(reversals: readonly string[], now: number, windowMs: number): string[] {
  return reversals.filter((at) => now - Date.parse(at) < windowMs);
}
