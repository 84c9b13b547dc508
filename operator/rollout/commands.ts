import type { ActionName } from '../api/memory-action.js';
import type { MemoryClusterSpec } from '../api/memory-cluster.js';
import { handledLimit, type PauseReason, type RolloutStatus } from '../api/rollout-status.js';
import { revisionOf, templateOf } from '../cluster/revision.js';
import { rolloutStates } from './states.js';
import {
  isRunning,
  pause,
  promote,
  repeatStep,
  resume,
  rollBack,
  stepOf,
  type Moment,
  type Running,
} from './transitions.js';

/** A MemoryAction that concerns the rollout: one without a proposal. */
export interface Command {
  /** Identity of the action: it is carried out once, however often it is seen. */
  readonly uid: string;
  readonly action: ActionName;
  readonly by: string;
  readonly reason: string;
}

/** What became of a command. */
export interface Answer {
  readonly outcome: 'Accepted' | 'Refused';
  readonly message: string;
}

/**
 * Carries out a command, or says why not and what would be legal. Either is recorded in `handled` with who and why, in
 * the same write as its effect: after a crash the action is answered from there and not carried out twice.
 * @returns the next status; the intents follow with the next `decide`
 */
export function carryOut(
  command: Command,
  status: RolloutStatus,
  spec: MemoryClusterSpec,
  now: Date,
): { readonly status: RolloutStatus; readonly answer: Answer } {
  const before = status.handled.find(({ uid }) => uid === command.uid);
  if (before !== undefined) {
    return { status, answer: { outcome: before.outcome, message: before.message } };
  }
  const legal = legalCommands(status, spec);
  const accepted = legal.includes(command.action);
  const next = accepted ? effect(command, status, spec, now) : status;
  const answer: Answer = accepted
    ? { outcome: 'Accepted', message: `${command.action}: ${status.state} → ${next.state}` }
    : { outcome: 'Refused', message: refusal(command.action, status, legal) };
  const { uid, action, by, reason } = command;
  const entry = { uid, action, by, reason, at: now.toISOString(), ...answer };
  return { status: { ...next, handled: [entry, ...status.handled].slice(0, handledLimit) }, answer };
}

/** The commands that are legal now: those of the state, narrowed by why it is paused and what it brings. */
export function legalCommands(status: RolloutStatus, spec: MemoryClusterSpec): ActionName[] {
  const ofState = rolloutStates[status.state].commands;
  if (!isRunning(status)) {
    const wanted = revisionOf(templateOf(spec));
    return ofState.filter(() => status.rejectedRevisions.some(({ revision }) => revision === wanted));
  }
  const { pause: at } = status.run;
  if (status.state === 'Paused' && at !== undefined) {
    return ofState.filter(
      (action) => ofPause[at.reason].includes(action) && (action !== 'promote' || at.from === 'Holding'),
    );
  }
  const gated = stepOf(spec.rollout, status.run).gate && !status.run.gateApproved;
  return ofState.filter((action) => action !== 'approve' || gated);
}

const ofPause: Readonly<Record<PauseReason, readonly ActionName[]>> = {
  Gate: ['approve', 'promote', 'abort', 'reject'],
  Promotion: ['approve', 'promote', 'abort', 'reject'],
  Person: ['resume', 'promote', 'abort', 'reject'],
  Spec: ['abort', 'reject'],
  Inconclusive: ['resume', 'retry', 'promote', 'abort', 'reject'],
  Failed: ['retry', 'promote', 'abort', 'reject'],
  Stuck: ['retry', 'abort', 'reject'],
};

function effect(command: Command, status: RolloutStatus, spec: MemoryClusterSpec, now: Date): RolloutStatus {
  const moment: Moment = { rollout: spec.rollout, now };
  if (isRunning(status)) return ofRun(command, status, moment);
  const wanted = revisionOf(templateOf(spec));
  return {
    ...status,
    rejectedRevisions: status.rejectedRevisions.filter(({ revision }) => revision !== wanted),
  };
}

function ofRun(command: Command, status: Running, moment: Moment): Running {
  const { by, reason } = command;
  const why = `${command.action} by ${by}${reason === '' ? '' : `: ${reason}`}`;
  const giveUp = () => rollBack(status, { outcome: 'RolledBack', reason: why, by }, moment);
  const effects: Readonly<Record<ActionName, () => Running>> = {
    promote: () => promote(status, moment, by),
    pause: () => pause(status, 'Person', why, moment),
    resume: () => resume(status, moment),
    approve: () => approve(status, moment, by),
    retry: () => (status.run.pause?.from === 'Holding' ? repeatStep(status) : resume(status, moment)),
    abort: giveUp,
    reject: giveUp,
  };
  return effects[command.action]();
}

function approve(status: Running, moment: Moment, by: string): Running {
  if (status.run.pause?.reason === 'Promotion') return promote(status, moment, by);
  const going = status.state === 'Paused' ? resume(status, moment) : status;
  return { ...going, run: { ...going.run, gateApproved: true, by } };
}

function refusal(action: ActionName, status: RolloutStatus, legal: readonly ActionName[]): string {
  const why = status.run?.pause === undefined ? '' : ` (${status.run.pause.reason})`;
  const hint =
    legal.length === 0 ? 'no command is' : `${legal.join(', ')} ${legal.length === 1 ? 'is' : 'are'}`;
  return `${action} is not legal while the rollout is ${status.state}${why}; ${hint}`;
}
