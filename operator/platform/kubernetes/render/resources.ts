import type { ResourceRequirements } from './shapes.js';
import type { Workload } from '../../../cluster/workloads.js';
import type { PartName } from './names.js';

type Quantities = Readonly<Record<string, string>>;

interface Defaults {
  readonly requests: Quantities;
  readonly limits: Quantities;
}

/**
 * What a part gets where the spec does not say. There is no limit of cpu: a container that is throttled answers late though
 * the node is idle. A limit of memory is there, because a leak must end its own pod and not its neighbours.
 */
function defaultsOf(cpu: string, memory: string, limit: string): Defaults {
  return {
    requests: { cpu, memory, 'ephemeral-storage': '64Mi' },
    limits: { memory: limit, 'ephemeral-storage': '1Gi' },
  };
}

const defaults: Readonly<Record<PartName, Defaults>> = {
  vault: defaultsOf('100m', '256Mi', '1Gi'),
  pruner: defaultsOf('100m', '256Mi', '1Gi'),
  sleep: defaultsOf('100m', '256Mi', '1Gi'),
  koopman: defaultsOf('100m', '256Mi', '1Gi'),
  gateway: defaultsOf('100m', '128Mi', '512Mi'),
  redis: defaultsOf('50m', '64Mi', '256Mi'),
};

/**
 * Requests and limits of a part. A resource that the spec names anywhere is the spec's alone, so that a request above our
 * limit is never refused because of a number that nobody wrote.
 */
export function resourcesOf(part: PartName, wanted?: Workload['resources']): ResourceRequirements {
  const { requests, limits } = wanted ?? { requests: {}, limits: {} };
  const rest = (ours: Quantities) =>
    Object.fromEntries(Object.entries(ours).filter(([name]) => !(name in requests) && !(name in limits)));
  return {
    requests: { ...rest(defaults[part].requests), ...requests },
    limits: { ...rest(defaults[part].limits), ...limits },
  };
}
