import type { MemoryAction } from '../api/memory-action.js';
import type { MemoryCluster } from '../api/memory-cluster.js';
import { Duration } from '../api/duration.js';
import type { Statement } from '../api/conditions.js';
import type { RolloutStatus } from '../api/rollout-status.js';
import type { TuningProfile } from '../api/tuning-profile.js';
import { tunableParameters, type TunableParameter } from '../api/tuning-status.js';
import { carryOut } from '../rollout/commands.js';
import { decide as decideRollout, rolloutInProgress } from '../rollout/decide.js';
import type { Intent } from '../rollout/intents.js';
import type { Observation } from '../rollout/observation.js';
import {
  tune,
  type TuneInput,
  type TuneResult,
  type TuningCommand,
  type TuningSamples,
} from '../tuning/tune.js';
import { effectiveParameters, type EffectiveParameters } from './parameters.js';
import { templateOf } from './revision.js';

/** A cluster with everything that a decision about it needs. */
export interface Situation {
  readonly cluster: MemoryCluster;
  /** The profile that the cluster names; undefined when it names none or there is none of that name. */
  readonly profile: TuningProfile | undefined;
  /** Actions on the cluster or its proposals that were not answered yet, oldest first. */
  readonly actions: readonly MemoryAction[];
  readonly observation: Observation;
  readonly samples: TuningSamples;
  readonly now: Date;
}

/** What became of an action. */
export interface ActionAnswer {
  readonly uid: string;
  readonly outcome: 'Accepted' | 'Refused';
  readonly message: string;
}

/** What is to be stored, and then brought about. */
export interface ClusterDecision {
  readonly rollout: RolloutStatus;
  readonly intents: readonly Intent[];
  readonly tuning: TuneResult | undefined;
  readonly answers: readonly ActionAnswer[];
  /** Conditions beside those of the rollout. */
  readonly statements: readonly Statement[];
  /** Effective parameters of a track that an intent runs. */
  readonly parametersOf: (intent: Extract<Intent, { type: 'runTrack' }>) => EffectiveParameters;
}

/**
 * Everything that is decided about a cluster in one pass: commands of people, then tuning, then the rollout. Pure, so that
 * every platform decides alike.
 */
export function decideCluster(situation: Situation): ClusterDecision {
  const { cluster, profile, observation, now } = situation;
  const commanded = answerRolloutActions(situation);
  const tuning = profile && tune(tuneInput(situation, profile, commanded.rollout));
  const change = tuning?.canary;
  const wish = {
    spec: cluster.spec,
    ...(change !== undefined && {
      tuning: { generation: change.tuningGeneration, parameters: change.parameters },
    }),
  };
  const { status: rollout, intents } = decideRollout(wish, commanded.rollout, observation, now);
  return {
    rollout,
    intents,
    tuning,
    answers: [...commanded.answers, ...answerTuningActions(situation, tuning)],
    statements: [...missingProfile(situation), ...(tuning?.conditions ?? [])],
    parametersOf: (intent) => parametersOf(intent, rollout, profile, tuning),
  };
}

function answerRolloutActions({ cluster, actions, now }: Situation): {
  readonly rollout: RolloutStatus | undefined;
  readonly answers: readonly ActionAnswer[];
} {
  let rollout = cluster.status?.rollout;
  const answers: ActionAnswer[] = [];
  for (const action of actions.filter(({ spec }) => spec.proposal === undefined)) {
    const uid = action.metadata.uid ?? action.metadata.name;
    if (rollout === undefined) {
      answers.push({ uid, outcome: 'Refused', message: 'the cluster was not installed yet' });
      continue;
    }
    const { action: name, requestedBy: by, reason } = action.spec;
    const done = carryOut({ uid, action: name, by, reason }, rollout, cluster.spec, now);
    rollout = done.status;
    answers.push({ uid, ...done.answer });
  }
  return { rollout, answers };
}

function answerTuningActions({ actions }: Situation, tuning: TuneResult | undefined): ActionAnswer[] {
  if (tuning !== undefined) {
    return tuning.answers.map(({ uid, accepted, message }) => ({
      uid,
      outcome: accepted ? 'Accepted' : 'Refused',
      message,
    }));
  }
  return actions
    .filter(({ spec }) => spec.proposal !== undefined)
    .map(({ metadata: { uid, name } }) => ({
      uid: uid ?? name,
      outcome: 'Refused',
      message: 'the cluster has no TuningProfile',
    }));
}

function tuneInput(
  situation: Situation,
  profile: TuningProfile,
  rollout: RolloutStatus | undefined,
): TuneInput {
  const { cluster, actions, samples, now } = situation;
  const frozen = rolloutInProgress(rollout) ? 'a rollout of the spec is under way' : undefined;
  const ended = rollout?.history.find(({ kind }) => kind === 'Tuning');
  return {
    profile: profile.spec,
    samples,
    effective: tunable(stableParameters(cluster, profile, rollout)),
    status: cluster.status?.tuning,
    now: now.getTime(),
    staleAfterMs: Duration.parse(cluster.spec.monitoring.staleAfter).milliseconds,
    ...(frozen !== undefined && { frozen }),
    commands: actions.flatMap(tuningCommand),
    ...(ended?.tuningGeneration !== undefined && {
      canary: { tuningGeneration: ended.tuningGeneration, outcome: ended.outcome },
    }),
  };
}

function tuningCommand({ metadata, spec }: MemoryAction): TuningCommand[] {
  const { action, proposal, requestedBy: by } = spec;
  if (proposal === undefined || (action !== 'approve' && action !== 'reject')) return [];
  const { uid = metadata.name, creationTimestamp = '' } = metadata;
  return [{ uid, action, proposal, by, askedAt: Date.parse(creationTimestamp) }];
}

function stableParameters(
  cluster: MemoryCluster,
  profile: TuningProfile,
  rollout: RolloutStatus | undefined,
) {
  const stable = rollout?.revisions.find(({ revision }) => revision === rollout.stableRevision);
  const template = stable?.template ?? templateOf(cluster.spec);
  return effectiveParameters({ template, profile: profile.spec, tuned: tunedValues(cluster.status?.tuning) });
}

function tunable(all: EffectiveParameters): Record<TunableParameter, EffectiveParameters[TunableParameter]> {
  const { annealT0, learningRate, l1Strength, dmdRank } = all;
  return { annealT0, learningRate, l1Strength, dmdRank };
}

/** The values that the tuner holds. */
function tunedValues(tuning: TuneResult['status'] | undefined): Partial<Record<TunableParameter, number>> {
  return Object.fromEntries(
    tunableParameters.flatMap((name) => {
      const value = tuning?.parameters[name].tuned;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function parametersOf(
  intent: Extract<Intent, { type: 'runTrack' }>,
  rollout: RolloutStatus,
  profile: TuningProfile | undefined,
  tuning: TuneResult | undefined,
): EffectiveParameters {
  const template = rollout.revisions.find(({ revision }) => revision === intent.template)?.template;
  // Stable keeps values that it adopted from a tuning canary while that run is still being wound up.
  const adopted = rollout.run?.outcome === 'Promoted' ? rollout.run.tuning?.parameters : undefined;
  const tuned = { ...tunedValues(tuning?.status), ...adopted, ...intent.parameters };
  return effectiveParameters({
    template: template ?? { version: '', services: {} },
    ...(profile !== undefined && { profile: profile.spec }),
    tuned,
  });
}

function missingProfile({ cluster, profile }: Situation): Statement[] {
  const wanted = cluster.spec.tuningProfileRef?.name;
  if (wanted === undefined || profile !== undefined) return [];
  const message = `there is no TuningProfile ${wanted}; nothing is tuned`;
  return [{ type: 'TuningProfileMissing', status: 'True', reason: 'NotFound', message }];
}
