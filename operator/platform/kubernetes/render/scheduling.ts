import type { PodSpec } from './shapes.js';
import type { Workload } from '../../../cluster/workloads.js';

type Scheduling = Pick<
  PodSpec,
  'nodeSelector' | 'tolerations' | 'affinity' | 'topologySpreadConstraints' | 'priorityClassName'
>;

type Spread = NonNullable<Workload['pod']['topologySpreadConstraints']>[number];

/** Pods of one part are spread over zones, as well as it goes. */
const spread: readonly Spread[] = [
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' },
];

/** And they prefer hosts without another of them. */
const apart = (matchLabels: Readonly<Record<string, string>>) => ({
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels } },
      },
    ],
  },
});

/**
 * Where the pods of a part may run.
 * @param selector labels of these pods; a spread without a selector is over them
 */
export function schedulingOf(pod: Workload['pod'], selector: Readonly<Record<string, string>>): Scheduling {
  const { nodeSelector, tolerations, affinity, priorityClassName } = pod;
  const constraints = (pod.topologySpreadConstraints ?? spread).map((one) => ({
    ...one,
    labelSelector: one.labelSelector ?? { matchLabels: selector },
  }));
  return {
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(tolerations.length > 0 && { tolerations }),
    affinity: { ...apart(selector), ...affinity },
    topologySpreadConstraints: constraints,
    ...(priorityClassName !== undefined && { priorityClassName }),
  };
}
