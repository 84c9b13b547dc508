import { durationText } from './duration.js';
import {
  array,
  boolean,
  integer,
  number,
  object,
  oneOf,
  optional,
  withDefault,
  type Infer,
} from './schema.js';

/** What an analysis can compare between the tracks; operator/rollout/catalogue.ts says how each is judged. */
export const metricNames = ['errorRatio', 'latencyP99', 'mismatchRatio', 'completion', 'energyDrop'] as const;
export type MetricName = (typeof metricNames)[number];

const step = object(
  {
    weight: integer({
      description: 'Share of the keys that go to the canary, in percent.',
      minimum: 1,
      maximum: 100,
    }),
    hold: withDefault(durationText('Least time at this weight.'), '0s'),
    minSamples: withDefault(
      integer({ description: 'Least number of requests on the canary at this weight.', minimum: 0 }),
      0,
    ),
    minSleeps: withDefault(
      integer({
        description:
          'Least number of consolidation cycles on the canary at this weight; forced when they do not come.',
        minimum: 0,
        maximum: 100,
      }),
      3,
    ),
    gate: withDefault(boolean({ description: 'Waits for an `approve` after the step has passed.' }), false),
  },
  { description: 'A share of the keys, and what must hold before the next.' },
);

const metric = object(
  {
    name: oneOf(metricNames, { description: 'What is compared.' }),
    limit: optional(
      number({
        description:
          'Hard limit of the canary alone: a breach that is certain at the confidence fails at once.',
      }),
    ),
    tolerance: withDefault(
      number({
        description:
          'How much worse than stable the canary may be: a difference for ratios, completion and energy drop, a relative one for latency.',
        minimum: 0,
        maximum: 100,
      }),
      0.05,
    ),
    onNoData: withDefault(
      oneOf(['inconclusive', 'fail', 'pass'], {
        description: 'What an empty or NaN result means.',
      }),
      'inconclusive',
    ),
    dryRun: withDefault(boolean({ description: 'Judged and shown, but never decides.' }), false),
  },
  { description: 'One comparison of the tracks.' },
);

const failureBudget = withDefault(
  object(
    {
      window: withDefault(durationText('Sliding window over the evaluations of a step.'), '1h'),
      ratio: withDefault(
        number({
          description: 'Share of failed evaluations in the window that is tolerated.',
          minimum: 0,
          maximum: 1,
        }),
        0.2,
      ),
      consecutive: withDefault(
        integer({
          description:
            'Failed evaluations in a row that fail the step at once; also the least number the ratio needs.',
          minimum: 1,
          maximum: 100,
        }),
        3,
      ),
    },
    { description: 'How many failed evaluations a step may have; never a lifetime counter.' },
  ),
  {},
);

const analysis = object(
  {
    interval: withDefault(durationText('Time between two evaluations.'), '1m'),
    window: withDefault(durationText('Span of the samples that one evaluation compares.'), '10m'),
    confidence: withDefault(
      number({
        description: 'Confidence of the intervals that a failure needs.',
        minimum: 0.8,
        maximum: 0.9999,
      }),
      0.99,
    ),
    metrics: withDefault(
      array(metric, { description: 'What is compared.', mapKeys: ['name'], maxItems: metricNames.length }),
      [
        { name: 'errorRatio', tolerance: 0.01, limit: 0.2 },
        { name: 'latencyP99', tolerance: 0.5, onNoData: 'pass' },
        { name: 'mismatchRatio', tolerance: 0, limit: 0, onNoData: 'pass' },
        { name: 'completion', tolerance: 0.05, onNoData: 'pass' },
        { name: 'energyDrop', tolerance: 0.2, onNoData: 'pass' },
      ],
    ),
    failureBudget,
    inconclusiveLimit: withDefault(
      integer({
        description:
          'Inconclusive evaluations in a row after which the rollout pauses for a person; 0 waits on.',
        minimum: 0,
        maximum: 100_000,
      }),
      0,
    ),
  },
  {
    description: 'How stable and canary are compared.',
    rules: [
      {
        rule: "duration(self.interval) >= duration('1s')",
        message: 'interval must be at least 1s',
        fieldPath: '.interval',
      },
      {
        rule: 'duration(self.failureBudget.window) >= duration(self.interval)',
        message: 'failureBudget.window must not be shorter than interval',
        fieldPath: '.failureBudget.window',
      },
      {
        rule: 'duration(self.window) >= duration(self.interval)',
        message: 'window must not be shorter than interval',
        fieldPath: '.window',
      },
    ],
  },
);

const maxSteps = 16;
const indices = Array.from({ length: maxSteps - 1 }, (_, index) => index).join(', ');

export const rolloutSchema = object(
  {
    steps: withDefault(
      array(step, {
        description: 'Weights that a canary goes through; strictly ascending, the last is 100.',
        minItems: 1,
        maxItems: maxSteps,
        rules: [
          {
            rule: `[${indices}].all(i, i + 1 >= self.size() || self[i].weight < self[i + 1].weight)`,
            message: 'weights must be strictly ascending',
          },
          {
            rule: 'self.size() == 0 || self[self.size() - 1].weight == 100',
            message: 'the last weight must be 100',
          },
        ],
      }),
      [
        { weight: 1, hold: '48h', minSamples: 1000 },
        { weight: 50, hold: '1h', minSamples: 1000 },
        { weight: 100, hold: '10m', minSamples: 100 },
      ],
    ),
    analysis: withDefault(analysis, {}),
    onFail: withDefault(
      oneOf(['pause', 'rollback', 'gradualRollback'], {
        description:
          'What a failed step does: wait for a person, take all keys back at once, or step by step.',
      }),
      'rollback',
    ),
    waitPolicy: withDefault(
      oneOf(['untilServing', 'untilPromoted'], {
        description: 'Whether Ready stays True during a good hold, or only when the canary is promoted.',
      }),
      'untilServing',
    ),
    progressDeadline: withDefault(
      durationText('Longest time for a canary to start or for stable to be rolled; a hold does not count.'),
      '10m',
    ),
    paused: withDefault(boolean({ description: 'Holds the rollout where it is.' }), false),
    autoPromote: withDefault(
      boolean({ description: 'Promotes after the last step without a `promote`.' }),
      true,
    ),
    keepRevisions: withDefault(
      integer({
        description: 'Former stable revisions to which a return skips the canary.',
        minimum: 0,
        maximum: 10,
      }),
      3,
    ),
  },
  { description: 'How a new revision takes over.' },
);

export type RolloutSpec = Infer<typeof rolloutSchema>;
export type StepSpec = RolloutSpec['steps'][number];
export type AnalysisSpec = RolloutSpec['analysis'];
export type MetricSpec = AnalysisSpec['metrics'][number];
