import {
  conditionsSchema,
  instant,
  labelName,
  nameText,
  type Definition,
  type Resource,
} from './resource.js';
import { integer, object, oneOf, optional, string, withDefault, type Infer } from './schema.js';

/** What a person can ask for; operator/rollout/states.ts says where each is legal. */
export const actionNames = ['promote', 'abort', 'retry', 'pause', 'resume', 'approve', 'reject'] as const;
export type ActionName = (typeof actionNames)[number];

const spec = object(
  {
    action: oneOf(actionNames, { description: 'What to do.' }),
    target: object(
      {
        kind: withDefault(
          oneOf(['MemoryCluster', 'TuningProfile'], { description: 'Kind of the resource.' }),
          'MemoryCluster',
        ),
        name: nameText('Name of the resource in the same namespace.'),
      },
      { description: 'On what.' },
    ),
    proposal: optional(
      string({
        description: 'Id of the tuning proposal that is approved or rejected.',
        minLength: 1,
        maxLength: 128,
      }),
    ),
    reason: withDefault(string({ description: 'Why, for the record.', maxLength: 1024 }), ''),
    requestedBy: withDefault(
      string({ description: 'Who; set by admission on Kubernetes and by the command locally.' }),
      'unknown',
    ),
  },
  {
    description: 'A command of a person. It cannot be changed once made.',
    rules: [
      { rule: 'self == oldSelf', message: 'a MemoryAction cannot be changed; make a new one' },
      {
        rule: "!has(self.proposal) || self.action in ['approve', 'reject']",
        message: 'proposal goes only with approve and reject',
        fieldPath: '.proposal',
      },
      {
        rule: "self.target.kind == 'MemoryCluster' || has(self.proposal)",
        message: 'a TuningProfile takes only approve and reject of a proposal',
        fieldPath: '.target.kind',
      },
    ],
  },
);

const status = object(
  {
    observedGeneration: integer({ description: 'Generation of the spec that this is about.', minimum: 0 }),
    outcome: oneOf(['Accepted', 'Refused'], { description: 'Whether it was done.' }),
    message: string({ description: 'What it did, or why not and what would be legal.', maxLength: 1024 }),
    handledAt: instant('When the operator answered.'),
    conditions: conditionsSchema,
  },
  { description: 'The answer of the operator.' },
);

export type MemoryActionSpec = Infer<typeof spec>;
export type MemoryActionStatus = Infer<typeof status>;
export type MemoryAction = Resource<'MemoryAction', MemoryActionSpec, MemoryActionStatus>;

export const memoryAction: Definition = {
  kind: 'MemoryAction',
  plural: 'memoryactions',
  singular: 'memoryaction',
  shortNames: ['ma'],
  name: labelName,
  columns: [
    { name: 'Action', type: 'string', jsonPath: '.spec.action' },
    { name: 'Target', type: 'string', jsonPath: '.spec.target.name' },
    { name: 'By', type: 'string', jsonPath: '.spec.requestedBy' },
    { name: 'Outcome', type: 'string', jsonPath: '.status.outcome' },
    { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec,
  status,
};
