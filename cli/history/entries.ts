import type { Adjustment, Evidence } from '../../operator/api/tuning-status.js';
import type { RolloutStatus } from '../../operator/api/rollout-status.js';
import type { Stored } from '../resources/access.js';
import { significant } from '../output/table.js';

/** One line of what happened to a cluster. */
export interface HistoryEntry {
  /** When it was decided, RFC 3339. */
  readonly at: string;
  readonly kind: 'rollout' | 'tuning' | 'command';
  /** Revision, parameter, or command. */
  readonly subject: string;
  readonly before?: number;
  readonly after?: number;
  readonly rule?: string;
  /** The numbers that a rule acted on. */
  readonly evidence?: Evidence;
  /** What the change achieved, as far as it was measured. */
  readonly objective?: Adjustment['objective'];
  /** `operator` or `tuner`, or the person. */
  readonly actor: string;
  readonly outcome: string;
  readonly reason: string;
  readonly endedAt?: string;
}

/** Rollouts, adjustments and commands of a cluster, newest first. */
export function historyOf({ status }: Stored<'MemoryCluster'>): HistoryEntry[] {
  const rollouts = (status?.rollout?.history ?? []).map(rolloutEntry);
  const commands = (status?.rollout?.handled ?? []).map(commandEntry);
  const adjustments = (status?.tuning?.adjustments ?? []).map(adjustmentEntry);
  return [...rollouts, ...commands, ...adjustments].sort((a, b) => (a.at < b.at ? 1 : -1));
}

function rolloutEntry(past: RolloutStatus['history'][number]): HistoryEntry {
  const { kind, revision, outcome, startedAt, finishedAt, reason, by = 'operator' } = past;
  const subject = kind === 'Spec' ? revision : `${revision} (${kind.toLowerCase()})`;
  return { at: startedAt, kind: 'rollout', subject, actor: by, outcome, reason, endedAt: finishedAt };
}

function commandEntry({
  action,
  by,
  at,
  outcome,
  message,
  reason,
}: RolloutStatus['handled'][number]): HistoryEntry {
  const why = reason === '' ? '' : ` ("${reason}")`;
  return { at, kind: 'command', subject: action, actor: by, outcome, reason: `${message}${why}` };
}

function adjustmentEntry(adjustment: Adjustment): HistoryEntry {
  const { at, parameter, before, after, rule, actor, outcome, evidence, objective, settledAt } = adjustment;
  return {
    at,
    kind: 'tuning',
    subject: parameter,
    before,
    after,
    rule,
    ...(evidence !== undefined && { evidence }),
    ...(objective !== undefined && { objective }),
    actor,
    outcome,
    reason: evidenceText(evidence),
    ...(settledAt !== undefined && { endedAt: settledAt }),
  };
}

function evidenceText(evidence: Evidence | undefined): string {
  if (evidence === undefined) return 'the range of the profile was changed';
  const { metric, aggregate, value, standardError, threshold, samples } = evidence;
  return `${aggregate} of ${metric} ${significant(value)} ± ${significant(standardError)} against ${significant(threshold)}, ${samples} cycles`;
}
