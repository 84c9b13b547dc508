import { instant } from './resource.js';
import { metricNames } from './rollout-spec.js';
import { trackedServices } from './services-spec.js';
import {
  array,
  boolean,
  integer,
  map,
  number,
  object,
  oneOf,
  optional,
  string,
  withDefault,
  type Infer,
} from './schema.js';

/** States of the rollout; operator/rollout/states.ts documents what follows each and which commands it takes. */
export const rolloutStateNames = [
  'Installing',
  'Stable',
  'Starting',
  'Holding',
  'Paused',
  'RollingBack',
  'Promoting',
  'Draining',
  'Removing',
] as const;
export type RolloutState = (typeof rolloutStateNames)[number];

const revision = (description: string) => string({ description, maxLength: 63 });

/** The part of a spec that makes a revision: what must be known to start it again. */
export const revisionTemplateSchema = object({
  version: string({ maxLength: 128 }),
  services: map(
    object({
      image: optional(string({ maxLength: 512 })),
      env: withDefault(map(string({ maxLength: 4096 })), {}),
      parameters: withDefault(map(number()), {}),
    }),
    { maxProperties: trackedServices.length + 1 },
  ),
});

const judgement = object(
  {
    metric: oneOf(metricNames),
    verdict: oneOf(['pass', 'fail', 'inconclusive']),
    reason: string({ maxLength: 512 }),
    stable: optional(number()),
    canary: optional(number()),
    lower: optional(number({ description: 'Lower end of the interval of how much worse the canary is.' })),
    upper: optional(number({ description: 'Upper end of that interval.' })),
    tolerance: optional(number()),
    stableSamples: optional(integer()),
    canarySamples: optional(integer()),
    dryRun: optional(boolean()),
  },
  { description: 'One metric of one evaluation, with its numbers.' },
);

const verdict = object(
  {
    verdict: oneOf(['pass', 'fail', 'inconclusive']),
    at: instant('When it was reached.'),
    reasons: array(string({ maxLength: 512 }), { maxItems: 16 }),
    metrics: array(judgement, { maxItems: metricNames.length }),
  },
  { description: 'The last evaluation, with its numbers.' },
);

const budgetBucket = object(
  {
    start: instant('Start of the bucket.'),
    passed: integer({ minimum: 0 }),
    failed: integer({ minimum: 0 }),
  },
  { description: 'Evaluations of one part of the sliding window.' },
);

const run = object(
  {
    kind: oneOf(['Spec', 'Tuning', 'Return'], {
      description: 'A new spec, a tuning change tried on a canary first, or a return to a kept revision.',
    }),
    revision: revision('Revision that this run brings.'),
    tuning: optional(
      object({
        generation: integer({ minimum: 0 }),
        parameters: map(number(), { maxProperties: 16 }),
      }),
    ),
    startedAt: instant('When the run began.'),
    step: integer({ description: 'Index of the step, from 0.', minimum: 0 }),
    stepStartedAt: optional(instant('When the gateway began to send this share.')),
    eligibleAt: optional(instant('When the hold of this step ends.')),
    nextCheckAt: optional(instant('When the next evaluation is due.')),
    deadline: optional(instant('When the present state counts as stuck.')),
    gateApproved: boolean(),
    pause: optional(
      object({
        reason: oneOf(['Gate', 'Promotion', 'Person', 'Spec', 'Inconclusive', 'Failed', 'Stuck']),
        from: oneOf(['Starting', 'Holding', 'Promoting']),
        at: instant('When the pause began.'),
        message: string({ maxLength: 1024 }),
      }),
    ),
    outcome: optional(oneOf(['Promoted', 'RolledBack', 'Superseded'])),
    reason: optional(string({ description: 'Why the run ended as it did.', maxLength: 1024 })),
    by: optional(string({ description: 'Who decided, when it was a person.' })),
    gradual: boolean({ description: 'Whether the rollback goes down step by step.' }),
    rescue: boolean({
      description: 'Whether the canary data is drained by the stable revision, because its own fails.',
    }),
    starved: boolean({ description: 'Whether too few keys reach the canary for the samples of the step.' }),
    lastVerdict: optional(verdict),
    budget: array(budgetBucket, { maxItems: 16 }),
    consecutiveFailures: integer({ minimum: 0 }),
    consecutiveInconclusive: integer({ minimum: 0 }),
    consecutiveProviderErrors: integer({ minimum: 0 }),
  },
  { description: 'The canary, or return, that is under way.' },
);

const past = object({
  kind: oneOf(['Spec', 'Tuning', 'Return']),
  revision: revision('Revision that the run brought.'),
  tuningGeneration: optional(integer({ minimum: 0 })),
  outcome: oneOf(['Promoted', 'RolledBack', 'Superseded']),
  startedAt: instant('When the run began.'),
  finishedAt: instant('When its canary was gone.'),
  reason: string({ maxLength: 1024 }),
  by: optional(string()),
});

export const historyLimit = 10;
export const rejectedLimit = 20;
export const handledLimit = 20;

export const rolloutStatusSchema = object(
  {
    state: oneOf(rolloutStateNames),
    stableRevision: optional(revision('Revision that stable serves.')),
    table: object(
      {
        epoch: integer({ description: 'Grows with every change of the shard table.', minimum: 0 }),
        basisPoints: integer({ description: 'Share of the canary in 1/10000.', minimum: 0, maximum: 10_000 }),
        canary: boolean({ description: 'Whether the canary is in the table.' }),
      },
      { description: 'The shard table that the gateway has to serve.' },
    ),
    run: optional(run),
    triedTuningGeneration: optional(
      integer({ description: 'The last tuning change that was tried.', minimum: 0 }),
    ),
    revisions: array(
      object({
        revision: revision('Hash of the template.'),
        template: revisionTemplateSchema,
        lastStableAt: optional(instant('When it last was stable.')),
      }),
      { description: 'Revisions that run or to which an instant return is possible.', maxItems: 16 },
    ),
    rejectedRevisions: array(
      object({
        revision: revision('Revision that failed.'),
        at: instant('When it failed.'),
        reason: string({ maxLength: 1024 }),
      }),
      { description: 'Not tried again without a new spec or a retry.', maxItems: rejectedLimit },
    ),
    history: array(past, { description: 'Finished runs, newest first.', maxItems: historyLimit }),
    handled: array(
      object({
        uid: string(),
        action: string({ maxLength: 32 }),
        outcome: oneOf(['Accepted', 'Refused']),
        message: string({ maxLength: 1024 }),
        by: string(),
        reason: string({ maxLength: 1024 }),
        at: instant('When it was handled.'),
      }),
      { description: 'Actions already answered, newest first.', maxItems: handledLimit },
    ),
  },
  { description: 'State of the rollout: everything its next decision needs, beside what is observed.' },
);

export type RolloutStatus = Infer<typeof rolloutStatusSchema>;
export type Run = Infer<typeof run>;
export type Verdict = Infer<typeof verdict>;
export type Judgement = Infer<typeof judgement>;
export type BudgetBucket = Infer<typeof budgetBucket>;
export type RevisionTemplate = Infer<typeof revisionTemplateSchema>;
export type PauseReason = NonNullable<Run['pause']>['reason'];
export type Outcome = NonNullable<Run['outcome']>;
