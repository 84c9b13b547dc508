import { array, integer, map, object, oneOf, optional, string } from './schema.js';

/**
 * Where pods may run, in the words of a pod of Kubernetes. Nothing has a default here: what is written goes into the pod
 * as it is, so that a manifest written for a Deployment can be pasted.
 */

const values = optional(array(string(), { description: 'Values of In, NotIn, Gt and Lt.', maxItems: 16 }));

const nodeRequirement = object(
  {
    key: string({ description: 'Node label.' }),
    operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'], { description: 'Comparison.' }),
    values,
  },
  { description: 'A requirement on a label or field of the node.' },
);

const nodeTerm = object(
  {
    matchExpressions: optional(
      array(nodeRequirement, { description: 'Requirements on node labels.', maxItems: 16 }),
    ),
    matchFields: optional(
      array(nodeRequirement, { description: 'Requirements on node fields.', maxItems: 16 }),
    ),
  },
  { description: 'Requirements that must hold together.' },
);

const weight = integer({
  description: 'How much it counts among the preferences.',
  minimum: 1,
  maximum: 100,
});

const nodeAffinity = object(
  {
    requiredDuringSchedulingIgnoredDuringExecution: optional(
      object(
        {
          nodeSelectorTerms: array(nodeTerm, {
            description: 'One of these terms must hold.',
            minItems: 1,
            maxItems: 16,
          }),
        },
        { description: 'What a node must offer.' },
      ),
    ),
    preferredDuringSchedulingIgnoredDuringExecution: optional(
      array(object({ weight, preference: nodeTerm }, { description: 'A preference with its weight.' }), {
        description: 'What a node should offer.',
        maxItems: 16,
      }),
    ),
  },
  { description: 'Which nodes are fit.' },
);

const labelSelector = object(
  {
    matchLabels: optional(map(string(), { description: 'Labels that must be equal.', maxProperties: 16 })),
    matchExpressions: optional(
      array(
        object(
          {
            key: string({ description: 'Label.' }),
            operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist'], { description: 'Comparison.' }),
            values,
          },
          { description: 'A requirement on a label.' },
        ),
        { description: 'Requirements that must hold together.', maxItems: 16 },
      ),
    ),
  },
  { description: 'Pods by their labels.' },
);

const podTerm = object(
  {
    topologyKey: string({ description: 'Node label whose equal values make one place.', minLength: 1 }),
    labelSelector: optional(labelSelector),
    namespaces: optional(
      array(string(), { description: 'Namespaces of those pods; the own when absent.', maxItems: 16 }),
    ),
    namespaceSelector: optional(labelSelector),
  },
  { description: 'Pods whose place matters.' },
);

const podAffinity = (description: string) =>
  object(
    {
      requiredDuringSchedulingIgnoredDuringExecution: optional(
        array(podTerm, { description: 'What must hold.', maxItems: 16 }),
      ),
      preferredDuringSchedulingIgnoredDuringExecution: optional(
        array(
          object({ weight, podAffinityTerm: podTerm }, { description: 'A preference with its weight.' }),
          {
            description: 'What should hold.',
            maxItems: 16,
          },
        ),
      ),
    },
    { description },
  );

/** `affinity` of a pod. */
export const affinity = object(
  {
    nodeAffinity: optional(nodeAffinity),
    podAffinity: optional(podAffinity('Pods to be near to.')),
    podAntiAffinity: optional(
      podAffinity(
        'Pods to be far from. Takes the place of the preference for hosts without another pod of this part.',
      ),
    ),
  },
  { description: 'Rules about nodes and other pods, as in a pod of Kubernetes.' },
);

/** One of `topologySpreadConstraints` of a pod. */
export const topologySpread = object(
  {
    topologyKey: string({
      description: 'Node label whose values are the places to spread over.',
      minLength: 1,
    }),
    maxSkew: integer({ description: 'How uneven it may be.', minimum: 1, maximum: 64 }),
    whenUnsatisfiable: oneOf(['DoNotSchedule', 'ScheduleAnyway'], {
      description: 'Whether a pod waits or goes where it can.',
    }),
    minDomains: optional(integer({ description: 'Least number of places.', minimum: 1, maximum: 64 })),
    labelSelector: optional(labelSelector),
  },
  { description: 'How pods are spread; over the pods of the own service when labelSelector is absent.' },
);

/** One of `tolerations` of a pod. */
export const toleration = object(
  {
    key: optional(string({ description: 'Taint; all taints when absent, with operator Exists.' })),
    operator: optional(
      oneOf(['Exists', 'Equal'], { description: 'How value is compared; Equal when absent.' }),
    ),
    value: optional(string({ description: 'Value of the taint.' })),
    effect: optional(
      oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], {
        description: 'Effect of the taint; all when absent.',
      }),
    ),
    tolerationSeconds: optional(
      integer({ description: 'How long NoExecute is tolerated; for ever when absent.', minimum: 0 }),
    ),
  },
  { description: 'A taint that the pods tolerate.' },
);
