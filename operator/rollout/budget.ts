import type { AnalysisSpec } from '../api/rollout-spec.js';
import type { BudgetBucket } from '../api/rollout-status.js';
import { Duration } from '../api/duration.js';

/** Parts of the sliding window: what is kept is bounded, however often a 48-hour hold is evaluated. */
const parts = 12;

/** The buckets with one more evaluation, and without those that left the window. */
export function record(
  buckets: readonly BudgetBucket[],
  failed: boolean,
  { window }: Pick<AnalysisSpec['failureBudget'], 'window'>,
  now: Date,
): readonly BudgetBucket[] {
  const windowMs = Duration.parse(window).milliseconds;
  const partMs = Math.max(1, windowMs / parts);
  const start = new Date(Math.floor(now.getTime() / partMs) * partMs).toISOString();
  const kept = buckets.filter((bucket) => now.getTime() - Date.parse(bucket.start) < windowMs + partMs);
  const last = kept.at(-1);
  const current = last?.start === start ? last : { start, passed: 0, failed: 0 };
  const counted = failed
    ? { ...current, failed: current.failed + 1 }
    : { ...current, passed: current.passed + 1 };
  return [...(last?.start === start ? kept.slice(0, -1) : kept), counted];
}

/** Why the budget is spent; undefined while it is not. */
export function spent(
  buckets: readonly BudgetBucket[],
  consecutiveFailures: number,
  { ratio, consecutive, window }: AnalysisSpec['failureBudget'],
): string | undefined {
  if (consecutiveFailures >= consecutive) return `${consecutiveFailures} evaluations failed in a row`;
  const failed = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  const total = buckets.reduce((sum, bucket) => sum + bucket.failed + bucket.passed, 0);
  if (failed < consecutive || failed / total <= ratio) return undefined;
  return `${failed} of ${total} evaluations within ${window} failed`;
}
