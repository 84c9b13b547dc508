import {
  array,
  integer,
  map,
  number,
  object,
  oneOf,
  optional,
  string,
  type Infer,
  type Schema,
} from './schema.js';

/** The parameters that a TuningProfile may move, by their names in `UpdateParameters` and in manifests. */
export const tunableParameters = ['annealT0', 'learningRate', 'l1Strength', 'dmdRank'] as const;
export type TunableParameter = (typeof tunableParameters)[number];

/** What the tuner may do: nothing, propose, propose and wait for an approval, act. */
export const tuningModes = ['Off', 'Recommend', 'Approve', 'Auto'] as const;

/** Where an effective value comes from; the first in this order that has a value wins. */
export const parameterSources = ['Pin', 'Spec', 'Tuner', 'Profile', 'Environment', 'Default'] as const;
export type ParameterSource = (typeof parameterSources)[number];

const instant = (description: string) => string({ description, format: 'date-time', maxLength: 32 });

const estimateSchema = object(
  {
    value: number({ description: 'The estimate.' }),
    standardError: number({ description: 'Standard error of the value over the sleep cycles behind it.' }),
    samples: integer({ description: 'Distinct sleep cycles behind the value.' }),
  },
  { description: 'A measured value with its uncertainty.' },
);
/** A measured value with its uncertainty. */
export type Estimate = Infer<typeof estimateSchema>;

const evidenceSchema = object(
  {
    metric: string({ description: 'The metric that the rule watched.' }),
    aggregate: string({ description: 'How its samples became one number.' }),
    value: number({ description: 'That number.' }),
    standardError: number({ description: 'Its standard error.' }),
    samples: integer({ description: 'Distinct sleep cycles behind it.' }),
    threshold: number({ description: 'The enter threshold that the value passed.' }),
    heldSince: instant('Since when the rule has held.'),
  },
  { description: 'The numbers that a rule acted on.' },
);
/** The numbers that a rule acted on. */
export type Evidence = Infer<typeof evidenceSchema>;

const proposalSchema = object(
  {
    id: string({ description: 'What approve and reject name.' }),
    rule: string({ description: 'The rule that wants it.' }),
    from: number({ description: 'The value now.' }),
    to: number({ description: 'The value after step limit and bounds.' }),
    uncapped: number({ description: 'The value that the rule alone would give.' }),
    lower: number({ description: 'Lowest value that the profile allows.' }),
    upper: number({ description: 'Highest value that the profile allows.' }),
    confidence: number({
      description: 'Probability that the metric is past its threshold, given its noise.',
    }),
    evidence: evidenceSchema,
    createdAt: instant('When it was made.'),
    expiresAt: instant('From when it can no longer be approved.'),
  },
  { description: 'A change that the tuner would make.' },
);
/** A change that the tuner would make. */
export type Proposal = Infer<typeof proposalSchema>;

const trialSchema = object(
  {
    adjustment: string({ description: 'Id of the adjustment under trial.' }),
    rule: string({ description: 'The rule that acted.' }),
    from: number({ description: 'The value before.' }),
    to: number({ description: 'The value under trial.' }),
    startedAt: instant('When the value was changed.'),
    measureFrom: instant('Samples from here on count; later than the start when a rollout came between.'),
    coolDownUntil: instant('Before this the parameter is not changed again.'),
    before: estimateSchema,
  },
  { description: 'A change that is being measured: it will be kept or reverted.' },
);
/** A change that is being measured: it will be kept or reverted. */
export type Trial = Infer<typeof trialSchema>;

/**
 * Where the tuning of one parameter stands. What may follow, and why:
 *
 * | phase         | meaning                                        | next |
 * |---------------|------------------------------------------------|------|
 * | `Off`         | its mode is Off                                | any, by the profile |
 * | `Held`        | a pin or the cluster's spec fixes the value    | `Watching` when released |
 * | `Watching`    | rules are evaluated, none has led to a change  | `Proposed`, `OnTrial`, `OnCanary`, `Oscillating` |
 * | `Proposed`    | a proposal is open (Recommend, Approve)        | `OnTrial`/`OnCanary` by approve; `CoolingDown` by reject; `Watching` when it expires or its rule lets go |
 * | `OnTrial`     | a change is applied and being measured         | `CoolingDown`, kept or reverted |
 * | `OnCanary`    | a change runs on the canary, decided there     | `CoolingDown`, promoted or rolled back |
 * | `CoolingDown` | no change before `until`                       | `Watching` |
 * | `Oscillating` | it has turned too often: no change before `until` | `Watching` |
 *
 * `Off` and `Held` may follow every phase: a person's word wins at once, and an open trial ends as `Interrupted`.
 */
export type ParameterState =
  | { readonly phase: 'Off' }
  | { readonly phase: 'Held'; readonly by: 'Pin' | 'Spec' }
  | { readonly phase: 'Watching' }
  | { readonly phase: 'Proposed'; readonly proposal: Proposal }
  | { readonly phase: 'OnTrial'; readonly trial: Trial }
  | { readonly phase: 'OnCanary'; readonly trial: Trial; readonly tuningGeneration: number }
  | { readonly phase: 'CoolingDown'; readonly until: string }
  | { readonly phase: 'Oscillating'; readonly until: string };

/** A structural schema cannot say "one of": it lists the fields of all phases, and the type says which go together. */
const stateSchema = object(
  {
    phase: oneOf(
      [
        'Off',
        'Held',
        'Watching',
        'Proposed',
        'OnTrial',
        'OnCanary',
        'CoolingDown',
        'Oscillating',
      ] satisfies ParameterState['phase'][],
      { description: 'Where the tuning of the parameter stands.' },
    ),
    by: optional(oneOf(['Pin', 'Spec'], { description: 'What holds it.' })),
    proposal: optional(proposalSchema),
    trial: optional(trialSchema),
    tuningGeneration: optional(integer({ description: 'Number of the change on the canary.' })),
    until: optional(instant('End of the phase.')),
  },
  { description: 'The phase, with what belongs to it.' },
) as unknown as Schema<ParameterState, 'required'>;

const parameterSchema = object(
  {
    value: number({ description: 'The effective value.' }),
    source: oneOf(parameterSources, { description: 'Where the value comes from.' }),
    mode: oneOf(tuningModes, { description: 'What the tuner may do with it.' }),
    state: stateSchema,
    tuned: optional(
      number({ description: 'The value that the tuner holds; it takes effect as source Tuner.' }),
    ),
    origin: number({ description: 'The effective value without the tuner; relaxing rules return to it.' }),
    evidenceFrom: optional(
      instant('Samples before this are no evidence: they were made under another value.'),
    ),
    lastDirection: optional(oneOf(['Up', 'Down'], { description: 'Where the last change went.' })),
    reversals: array(instant('When the direction of change turned.'), {
      description: 'Turns within the oscillation window.',
      maxItems: 16,
    }),
  },
  { description: 'Tuning of one parameter.' },
);
/** Tuning of one parameter in one cluster. */
export type ParameterTuning = Infer<typeof parameterSchema>;

const ruleSchema = object(
  {
    state: oneOf(['Idle', 'Pending', 'Firing', 'NoData'], {
      description: 'Pending: past the enter threshold, for less than its hold time. Firing: for longer.',
    }),
    since: instant('Since when it has held, or since when it has been in this state.'),
    value: optional(number({ description: 'The aggregate at the last evaluation.' })),
    reason: optional(string({ description: 'Why there is no value.' })),
    exhausted: optional(
      object(
        {
          value: number({ description: 'The aggregate at which acting gained nothing.' }),
          until: instant(
            'The rule is tried again from here, or as soon as the aggregate is worse than that.',
          ),
        },
        { description: 'Acting has gained nothing: the rule rests.' },
      ),
    ),
  },
  { description: 'Where one rule stands.' },
);
/** Where one rule stands. */
export type RuleStatus = Infer<typeof ruleSchema>;

/** What may become of a change of a parameter. */
export const adjustmentOutcomes = [
  'OnTrial',
  'Kept',
  'Reverted',
  'Interrupted',
  'Rejected',
  'Bounded',
] as const;

const adjustmentSchema = object(
  {
    id: string({ description: 'Its name.' }),
    at: instant('When it was decided.'),
    parameter: oneOf(tunableParameters, { description: 'What was changed.' }),
    rule: string({ description: 'The rule that acted.' }),
    actor: string({ description: '`tuner`, or who approved or rejected it.' }),
    before: number({ description: 'The value before.' }),
    after: number({ description: 'The value after.' }),
    evidence: optional(evidenceSchema),
    outcome: oneOf(adjustmentOutcomes, {
      description: 'Bounded: moved into bounds that the profile had changed, without a trial.',
    }),
    settledAt: optional(instant('When the outcome was known.')),
    objective: optional(
      object(
        {
          metric: string({ description: 'What was measured.' }),
          before: estimateSchema,
          after: optional(estimateSchema),
        },
        { description: 'What the change did.' },
      ),
    ),
  },
  { description: 'One change of one parameter.' },
);
/** One line of the history: what changed, why, on which evidence, and did it help. */
export type Adjustment = Infer<typeof adjustmentSchema>;

/** Schema of `status.tuning` of a MemoryCluster. */
export const tuningStatusSchema = object(
  {
    evaluatedAt: instant('When the tuner last looked.'),
    sequence: integer({ description: 'Number of the last id given to a proposal or adjustment.' }),
    tuningGeneration: integer({ description: 'Number of the last change that went to the canary first.' }),
    parameters: object(
      {
        annealT0: parameterSchema,
        learningRate: parameterSchema,
        l1Strength: parameterSchema,
        dmdRank: parameterSchema,
      },
      { description: 'By parameter.' },
    ),
    rules: map(ruleSchema, { description: 'By rule id.' }),
    recentChanges: array(instant('When a value was changed.'), {
      description: 'Changes within the rate limit window.',
    }),
    adjustments: array(adjustmentSchema, {
      description: 'The last adjustments, oldest first; bounded in number and bytes.',
    }),
  },
  { description: 'All that the tuner remembers about this cluster.' },
);
/** Everything that the tuner remembers about one cluster; JSON only. */
export type TuningStatus = Infer<typeof tuningStatusSchema>;
