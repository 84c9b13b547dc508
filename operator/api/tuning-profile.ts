import { durationText } from './duration.js';
import { conditionsSchema, labelName, nameText, type Definition, type Resource } from './resource.js';
import {
  array,
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
import { defaultTuningRules, tuningRuleSchema } from './tuning-rules.js';
import { parameterSources, tunableParameters, tuningModes } from './tuning-status.js';

interface ParameterDefaults {
  readonly description: string;
  /** Range that the service accepts. */
  readonly accepted: { readonly minimum: number; readonly maximum: number };
  readonly min: number;
  readonly max: number;
  readonly maxStep: { readonly ratio: number } | { readonly absolute: number };
}

const parameter = (numeric: typeof number | typeof integer, defaults: ParameterDefaults) =>
  withDefault(
    object(
      {
        mode: optional(
          oneOf(tuningModes, { description: 'Mode of this parameter; that of the profile when absent.' }),
        ),
        start: optional(numeric({ description: 'Value before the tuner has a say.', ...defaults.accepted })),
        min: withDefault(numeric({ description: 'Lowest tuned value.', ...defaults.accepted }), defaults.min),
        max: withDefault(
          numeric({ description: 'Highest tuned value.', ...defaults.accepted }),
          defaults.max,
        ),
        maxStep: withDefault(
          object(
            {
              ratio: optional(number({ description: 'Largest factor of one change.', minimum: 1 })),
              absolute: optional(number({ description: 'Largest difference of one change.', minimum: 0 })),
            },
            { description: 'Limit of one change; both hold when both are given.' },
          ),
          defaults.maxStep,
        ),
        pin: optional(
          numeric({ description: 'Fixes the value; the tuner leaves it alone.', ...defaults.accepted }),
        ),
      },
      {
        description: defaults.description,
        rules: [
          { rule: 'self.min < self.max', message: 'min must be below max', fieldPath: '.min' },
          {
            rule: '!has(self.start) || (self.min <= self.start && self.start <= self.max)',
            message: 'start must lie between min and max',
            fieldPath: '.start',
          },
          {
            rule: 'has(self.maxStep.ratio) || has(self.maxStep.absolute)',
            message: 'maxStep needs ratio or absolute',
            fieldPath: '.maxStep',
          },
          {
            rule: '!has(self.maxStep.ratio) || self.maxStep.ratio > 1.0',
            message: 'ratio must be above 1',
            fieldPath: '.maxStep.ratio',
          },
          {
            rule: '!has(self.maxStep.absolute) || (self.maxStep.absolute > 0.0 && self.maxStep.absolute <= double(self.max - self.min))',
            message: 'absolute must be above 0 and at most max - min',
            fieldPath: '.maxStep.absolute',
          },
        ],
      },
    ),
    {},
  );

const parameters = object(
  {
    annealT0: parameter(number, {
      description: 'Initial anneal temperature T0, in units of the rms local field.',
      accepted: { minimum: 0.25, maximum: 8 },
      min: 0.25,
      max: 8,
      maxStep: { ratio: 1.25 },
    }),
    learningRate: parameter(number, {
      description: 'Learning rate eta of wake-sleep.',
      accepted: { minimum: 1e-4, maximum: 0.1 },
      min: 1e-4,
      max: 0.1,
      maxStep: { ratio: 2 },
    }),
    l1Strength: parameter(number, {
      description: 'L1 sparsity strength tau, of pruning and of sleep.',
      accepted: { minimum: 1e-5, maximum: 1e-2 },
      min: 1e-5,
      max: 1e-2,
      maxStep: { ratio: 1.5 },
    }),
    dmdRank: parameter(integer, {
      description: 'Rank r of the dynamic mode decomposition.',
      accepted: { minimum: 1, maximum: 500 },
      min: 10,
      max: 100,
      maxStep: { absolute: 25 },
    }),
  },
  { description: 'Range and step of each parameter.' },
);

const rateLimit = object(
  {
    changes: withDefault(
      integer({ description: 'Most changes of all parameters.', minimum: 1, maximum: 1000 }),
      12,
    ),
    per: withDefault(durationText('Sliding window of the limit.'), '24h'),
  },
  {
    description: 'Limit over all parameters; reverts always go through.',
    rules: [
      { rule: "duration(self.per) > duration('0s')", message: 'per must be above 0', fieldPath: '.per' },
    ],
  },
);

export const tuningProfileSpecSchema = object(
  {
    mode: withDefault(
      oneOf(tuningModes, {
        description: 'Off does nothing, Recommend proposes, Approve waits for an approval, Auto acts.',
      }),
      'Auto',
    ),
    scope: withDefault(
      oneOf(['Stable', 'CanaryFirst'], {
        description: 'Where a change is tried: on stable, or on a canary of its own first.',
      }),
      'Stable',
    ),
    parameters: withDefault(parameters, {}),
    rules: withDefault(
      array(tuningRuleSchema, { description: 'When to change what.', mapKeys: ['id'], maxItems: 32 }),
      defaultTuningRules,
    ),
    rateLimit: withDefault(rateLimit, {}),
    proposalTtl: withDefault(durationText('How long a proposal can be approved.'), '24h'),
  },
  {
    description: 'How the parameters of a memory are tuned.',
    rules: [
      {
        rule: "duration(self.proposalTtl) > duration('0s')",
        message: 'proposalTtl must be above 0',
        fieldPath: '.proposalTtl',
      },
    ],
  },
);

const target = object(
  {
    cluster: nameText('A MemoryCluster that uses this profile.'),
    parameters: map(
      object(
        {
          value: number({ description: 'The effective value.' }),
          source: oneOf(parameterSources, { description: 'Where it comes from.' }),
          phase: string({ description: 'Where its tuning stands.', maxLength: 32 }),
          proposal: optional(string({ description: 'Id of the open proposal.' })),
        },
        { description: 'One parameter there.' },
      ),
      { description: 'Effective values there.', maxProperties: tunableParameters.length },
    ),
  },
  { description: 'A cluster that uses this profile.' },
);

const status = object(
  {
    observedGeneration: integer({ description: 'Generation of the spec that this is about.', minimum: 0 }),
    conditions: conditionsSchema,
    targets: array(target, {
      description:
        'What it does in the first 100 clusters by name; the whole story is in the status of each.',
      mapKeys: ['cluster'],
    }),
  },
  { description: 'What is.' },
);

export type TuningProfileSpec = Infer<typeof tuningProfileSpecSchema>;
export type TuningProfileStatus = Infer<typeof status>;
export type ParameterSpec = TuningProfileSpec['parameters']['annealT0'];
export type TuningProfile = Resource<'TuningProfile', TuningProfileSpec, TuningProfileStatus>;

export const tuningProfile: Definition = {
  kind: 'TuningProfile',
  plural: 'tuningprofiles',
  singular: 'tuningprofile',
  shortNames: ['tp'],
  name: labelName,
  columns: [
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    { name: 'Scope', type: 'string', jsonPath: '.spec.scope' },
    { name: 'Clusters', type: 'string', jsonPath: '.status.targets[*].cluster' },
    { name: 'T0', type: 'number', jsonPath: '.status.targets[0].parameters.annealT0.value' },
    { name: 'Eta', type: 'number', jsonPath: '.status.targets[0].parameters.learningRate.value' },
    { name: 'Tau', type: 'number', jsonPath: '.status.targets[0].parameters.l1Strength.value' },
    { name: 'Rank', type: 'number', jsonPath: '.status.targets[0].parameters.dmdRank.value' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec: tuningProfileSpecSchema,
  status,
};
