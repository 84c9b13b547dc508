import { durationText } from './duration.js';
import { labelPattern } from './resource.js';
import { integer, number, object, oneOf, optional, string, withDefault, type Infer } from './schema.js';
import { tunableParameters } from './tuning-status.js';

/**
 * How the samples of a window become one number. All count a sleep cycle once, however often it was scraped.
 * `perCycle` is the increase of a counter for each sleep cycle; `signChanges` the share of steps between cycles at
 * which the sign turned; `growthPerWeek` the Theil–Sen slope as a share of the median, a week; `magnitude` the mean
 * of absolute values.
 */
export const aggregates = [
  'mean',
  'median',
  'min',
  'max',
  'last',
  'magnitude',
  'perCycle',
  'signChanges',
  'growthPerWeek',
] as const;
export type Aggregate = (typeof aggregates)[number];

const metricName = (description: string) =>
  string({ description, pattern: '^[a-zA-Z_:][a-zA-Z0-9_:]*$', minLength: 1 });

const actionSchema = object(
  {
    type: oneOf(['multiply', 'divide', 'set', 'relax'], {
      description: 'relax goes back to the value from before tuning.',
    }),
    value: optional(number({ description: 'Factor of multiply and divide, target of set.', minimum: 0 })),
  },
  {
    description: 'What happens to the parameter, before step limit and bounds.',
    rules: [
      {
        rule: "has(self.value) == (self.type != 'relax')",
        message: 'value is needed by multiply, divide and set, and not taken by relax',
        fieldPath: '.value',
      },
      {
        rule: "!(self.type in ['multiply', 'divide']) || !has(self.value) || self.value > 1.0",
        message: 'the factor must be above 1',
        fieldPath: '.value',
      },
    ],
  },
);

const objectiveSchema = object(
  {
    metric: optional(metricName('Measured metric; that of the rule when absent.')),
    aggregate: optional(
      oneOf(aggregates, { description: 'How its samples become one number; as in the rule when absent.' }),
    ),
    expect: oneOf(['increase', 'decrease', 'stayAbove', 'stayBelow'], {
      description: 'What it must do.',
    }),
    value: number({
      description: 'Least relative change of increase and decrease; limit of stayAbove and stayBelow.',
    }),
  },
  {
    description:
      'What a change must achieve to be kept. When absent, the metric of the rule must move by 5 % of its value to the better side.',
    rules: [
      {
        rule: "!(self.expect in ['increase', 'decrease']) || self.value >= 0.0",
        message: 'a relative change must not be negative',
        fieldPath: '.value',
      },
    ],
  },
);

export const tuningRuleSchema = object(
  {
    id: string({ description: 'Its name.', pattern: labelPattern, minLength: 1, maxLength: 63 }),
    parameter: oneOf(tunableParameters, { description: 'The parameter that it moves.' }),
    metric: metricName('The metric it watches, on the stable track.'),
    aggregate: withDefault(
      oneOf(aggregates, { description: 'How the samples of the window become one number.' }),
      'mean',
    ),
    window: withDefault(durationText('Samples older than this do not count.'), '168h'),
    cycles: optional(
      integer({ description: 'Only the last so many sleep cycles count.', minimum: 2, maximum: 1000 }),
    ),
    minSamples: withDefault(
      integer({ description: 'Least number of distinct sleep cycles.', minimum: 2, maximum: 1000 }),
      5,
    ),
    when: oneOf(['above', 'below'], { description: 'On which side of the thresholds it acts.' }),
    enter: number({ description: 'Past this it begins to hold.' }),
    exit: number({ description: 'It holds until the value is back past this.' }),
    for: withDefault(durationText('How long it must hold before it acts.'), '0s'),
    skipBelow: optional(metricName('It does not act while this metric is below the value of the parameter.')),
    action: actionSchema,
    coolDown: withDefault(durationText('No other change of the parameter for so long after it acted.'), '1h'),
    group: optional(
      string({
        description: 'Exclusion group: one change in flight in all of it.',
        pattern: labelPattern,
        minLength: 1,
        maxLength: 63,
      }),
    ),
    priority: withDefault(
      integer({ description: 'The highest wins when several hold.', minimum: 0, maximum: 1000 }),
      0,
    ),
    objective: optional(objectiveSchema),
  },
  {
    description: 'When to change which parameter, and how.',
    rules: [
      {
        rule: "self.when == 'above' ? self.exit < self.enter : self.exit > self.enter",
        message: 'exit must lie inside enter: below it for above, above it for below',
        fieldPath: '.exit',
      },
      {
        rule: '!has(self.cycles) || self.cycles >= self.minSamples',
        message: 'cycles must not be less than minSamples',
        fieldPath: '.cycles',
      },
      {
        rule: "duration(self.window) > duration('0s') && duration(self.window) <= duration('192h')",
        message: 'window must be above 0 and at most 192h, for which samples are kept',
        fieldPath: '.window',
      },
      {
        rule: "duration(self.coolDown) > duration('0s')",
        message: 'coolDown must be above 0',
        fieldPath: '.coolDown',
      },
    ],
  },
);

/** One rule of a profile. */
export type TuningRule = Infer<typeof tuningRuleSchema>;

const energy = { group: 'energy', window: '168h', cycles: 5, minSamples: 5, for: '0s', coolDown: '1h' };
const sparsity = {
  group: 'sparsity',
  parameter: 'l1Strength',
  metric: 'edge_count',
  aggregate: 'growthPerWeek',
  window: '168h',
  minSamples: 10,
  for: '1h',
  coolDown: '168h',
  priority: 0,
} as const;
const rank = {
  group: 'rank',
  parameter: 'dmdRank',
  metric: 'kcl_psi_drift_rad',
  aggregate: 'magnitude',
  priority: 0,
} as const;

/** The rules of the TORI deployment guide, each with its opposite or a relaxation. */
export const defaultTuningRules: readonly TuningRule[] = [
  {
    ...energy,
    id: 'settle-loops-high',
    parameter: 'annealT0',
    metric: 'consol_settle_loops',
    aggregate: 'mean',
    when: 'above',
    enter: 50,
    exit: 45,
    action: { type: 'divide', value: 1.25 },
    priority: 30,
  },
  {
    ...energy,
    id: 'energy-drop-low',
    parameter: 'annealT0',
    metric: 'consol_energy_drop_ratio',
    aggregate: 'mean',
    when: 'below',
    enter: 0.05,
    exit: 0.06,
    action: { type: 'multiply', value: 1.25 },
    priority: 20,
  },
  {
    ...energy,
    id: 'energy-oscillates',
    parameter: 'learningRate',
    metric: 'consol_energy_sign_changes_total',
    aggregate: 'perCycle',
    cycles: 11,
    minSamples: 6,
    when: 'above',
    enter: 0.5,
    exit: 0.3,
    action: { type: 'divide', value: 2 },
    priority: 40,
  },
  {
    ...energy,
    id: 'energy-calm',
    parameter: 'learningRate',
    metric: 'consol_energy_sign_changes_total',
    aggregate: 'perCycle',
    // Ten steps between eleven readings of the counter.
    cycles: 11,
    minSamples: 11,
    when: 'below',
    enter: 0.05,
    exit: 0.3,
    action: { type: 'multiply', value: 1.1 },
    priority: 10,
    objective: { expect: 'stayBelow', value: 0.5 },
  },
  {
    ...sparsity,
    id: 'graph-growth-high',
    when: 'above',
    enter: 0.05,
    exit: 0.03,
    action: { type: 'multiply', value: 1.5 },
  },
  {
    ...sparsity,
    id: 'graph-shrinks',
    when: 'below',
    enter: -0.05,
    exit: -0.03,
    action: { type: 'divide', value: 1.5 },
  },
  {
    ...rank,
    id: 'psi-drift-high',
    window: '24h',
    cycles: 5,
    minSamples: 3,
    when: 'above',
    enter: 0.2,
    exit: 0.12,
    for: '0s',
    skipBelow: 'kcl_effective_rank',
    action: { type: 'set', value: 75 },
    coolDown: '24h',
  },
  {
    ...rank,
    id: 'psi-drift-low',
    window: '24h',
    minSamples: 3,
    when: 'below',
    enter: 0.12,
    exit: 0.2,
    for: '24h',
    action: { type: 'relax' },
    coolDown: '24h',
    objective: { expect: 'stayBelow', value: 0.2 },
  },
];
