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
export const revisionTemplateSchema = object(
  {
    version: string({ description: 'Release of all services.', maxLength: 128 }),
    services: map(
      object(
        {
          image: optional(string({ description: 'Its own image.', maxLength: 512 })),
          env: withDefault(map(string({ maxLength: 4096 }), { description: 'Its environment.' }), {}),
          parameters: withDefault(map(number(), { description: 'Its explicit parameters.' }), {}),
        },
        { description: 'The part of one service.' },
      ),
      { description: 'By service.', maxProperties: trackedServices.length + 1 },
    ),
  },
  { description: 'What has to be known to start the revision again.' },
);

const judgement = object(
  {
    metric: oneOf(metricNames, { description: 'What was compared.' }),
    verdict: oneOf(['pass', 'fail', 'inconclusive'], { description: 'What came out.' }),
    reason: string({ description: 'Why.', maxLength: 512 }),
    stable: optional(number({ description: 'Value of stable.' })),
    canary: optional(number({ description: 'Value of the canary.' })),
    lower: optional(number({ description: 'Lower end of the interval of how much worse the canary is.' })),
    upper: optional(number({ description: 'Upper end of that interval.' })),
    tolerance: optional(number({ description: 'How much worse it may be.' })),
    stableSamples: optional(integer({ description: 'Samples behind the value of stable.' })),
    canarySamples: optional(integer({ description: 'Samples behind the value of the canary.' })),
    dryRun: optional(boolean({ description: 'Whether it was only shown.' })),
  },
  { description: 'One metric of one evaluation, with its numbers.' },
);

const verdict = object(
  {
    verdict: oneOf(['pass', 'fail', 'inconclusive'], { description: 'Of all metrics together.' }),
    at: instant('When it was reached.'),
    reasons: array(string({ maxLength: 512 }), { description: 'Why.', maxItems: 16 }),
    metrics: array(judgement, { description: 'Each comparison.', maxItems: metricNames.length }),
  },
  { description: 'The last evaluation, with its numbers.' },
);

const budgetBucket = object(
  {
    start: instant('Start of the bucket.'),
    passed: integer({ description: 'Evaluations that passed.', minimum: 0 }),
    failed: integer({ description: 'Evaluations that failed.', minimum: 0 }),
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
      object(
        {
          generation: integer({ description: 'Number of the change.', minimum: 0 }),
          parameters: map(number(), { description: 'Values under trial.', maxProperties: 16 }),
        },
        { description: 'The tuning change that this run tries.' },
      ),
    ),
    startedAt: instant('When the run began.'),
    step: integer({ description: 'Index of the step, from 0.', minimum: 0 }),
    stepStartedAt: optional(instant('When the gateway began to send this share.')),
    eligibleAt: optional(instant('When the hold of this step ends.')),
    nextCheckAt: optional(instant('When the next evaluation is due.')),
    deadline: optional(instant('When the present state counts as stuck.')),
    gateApproved: boolean({ description: 'Whether a person has opened the gate of this step.' }),
    pause: optional(
      object(
        {
          reason: oneOf(['Gate', 'Promotion', 'Person', 'Spec', 'Inconclusive', 'Failed', 'Stuck'], {
            description: 'What it waits for, or what stopped it.',
          }),
          from: oneOf(['Starting', 'Holding', 'Promoting'], { description: 'State to go on with.' }),
          at: instant('When the pause began.'),
          message: string({ description: 'The reason in words.', maxLength: 1024 }),
        },
        { description: 'The pause, while there is one.' },
      ),
    ),
    outcome: optional(
      oneOf(['Promoted', 'RolledBack', 'Superseded'], { description: 'How it ended, while it is wound up.' }),
    ),
    reason: optional(string({ description: 'Why the run ended as it did.', maxLength: 1024 })),
    by: optional(string({ description: 'Who decided, when it was a person.' })),
    gradual: boolean({ description: 'Whether the rollback goes down step by step.' }),
    rescue: boolean({
      description: 'Whether the canary data is drained by the stable revision, because its own fails.',
    }),
    starved: boolean({ description: 'Whether too few keys reach the canary for the samples of the step.' }),
    lastVerdict: optional(verdict),
    budget: array(budgetBucket, { description: 'The sliding window of the failure budget.', maxItems: 16 }),
    consecutiveFailures: integer({ description: 'Failed evaluations in a row.', minimum: 0 }),
    consecutiveInconclusive: integer({ description: 'Inconclusive evaluations in a row.', minimum: 0 }),
    consecutiveProviderErrors: integer({
      description: 'Evaluations in a row for which no metrics could be had.',
      minimum: 0,
    }),
  },
  { description: 'The canary, or return, that is under way.' },
);

const past = object(
  {
    kind: oneOf(['Spec', 'Tuning', 'Return'], { description: 'What it brought.' }),
    revision: revision('Revision that the run brought.'),
    tuningGeneration: optional(integer({ description: 'Number of its tuning change.', minimum: 0 })),
    outcome: oneOf(['Promoted', 'RolledBack', 'Superseded'], { description: 'How it ended.' }),
    startedAt: instant('When the run began.'),
    finishedAt: instant('When its canary was gone.'),
    reason: string({ description: 'Why it ended so.', maxLength: 1024 }),
    by: optional(string({ description: 'Who decided, when it was a person.' })),
  },
  { description: 'A run that has ended.' },
);

export const historyLimit = 10;
export const rejectedLimit = 20;
export const handledLimit = 20;

export const rolloutStatusSchema = object(
  {
    state: oneOf(rolloutStateNames, { description: 'Where the rollout stands.' }),
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
      object(
        {
          revision: revision('Hash of the template.'),
          template: revisionTemplateSchema,
          lastStableAt: optional(instant('When it last was stable.')),
        },
        { description: 'A revision that can be started.' },
      ),
      { description: 'Revisions that run or to which an instant return is possible.', maxItems: 16 },
    ),
    rejectedRevisions: array(
      object(
        {
          revision: revision('Revision that failed.'),
          at: instant('When it failed.'),
          reason: string({ description: 'Why.', maxLength: 1024 }),
        },
        { description: 'A revision that failed.' },
      ),
      { description: 'Not tried again without a new spec or a retry.', maxItems: rejectedLimit },
    ),
    history: array(past, { description: 'Finished runs, newest first.', maxItems: historyLimit }),
    handled: array(
      object(
        {
          uid: string({ description: 'uid of the MemoryAction.' }),
          action: string({ description: 'What was asked for.', maxLength: 32 }),
          outcome: oneOf(['Accepted', 'Refused'], { description: 'Whether it was done.' }),
          message: string({ description: 'What it did, or why not.', maxLength: 1024 }),
          by: string({ description: 'Who asked.' }),
          reason: string({ description: 'Why, in their words.', maxLength: 1024 }),
          at: instant('When it was handled.'),
        },
        { description: 'An action that was answered.' },
      ),
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
