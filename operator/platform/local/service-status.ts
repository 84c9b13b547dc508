import type { ServiceStatus } from '../../api/memory-cluster.js';
import type { ServiceName } from '../../api/services-spec.js';
import type { Track } from '../../cluster/workloads.js';
import type { ProcessReport, ProcessState } from './supervisor/process-spec.js';

/** In the order in which a status lists them. */
const services: Readonly<Record<string, ServiceName>> = {
  'episodic-vault': 'vault',
  'sparse-pruner': 'pruner',
  'sleep-scheduler': 'sleep',
  'koopman-learner': 'koopman',
  'mcp-gateway': 'gateway',
};

const order = Object.keys(services);
const rank = ({ key }: ProcessReport) => order.indexOf(key.split('/')[1] ?? '');

/** Processes in the words of a cluster's status; their order does not tell which was started last. */
export function serviceStatuses(reports: readonly ProcessReport[]): ServiceStatus[] {
  const sorted = [...reports].sort((a, b) => rank(a) - rank(b));
  return sorted.flatMap(({ key, revision, state, restarts }) => {
    const [track, program = ''] = key.split('/');
    const name = services[program];
    if (name === undefined || !isTrack(track)) return [];
    const ready = state.phase === 'Ready' ? 1 : 0;
    const message = messageOf(state);
    return [{ name, track, revision, wanted: 1, ready, restarts, ...(message !== undefined && { message }) }];
  });
}

function isTrack(text: string | undefined): text is Track {
  return text === 'stable' || text === 'canary';
}

/** Nothing in it changes while nothing happens, so that an unchanged status is not written again. */
function messageOf(state: ProcessState): string | undefined {
  switch (state.phase) {
    case 'Ready':
      return undefined;
    case 'Starting':
      return 'starts';
    case 'BackOff':
      return `died and is started again: ${state.reason}`.slice(0, 1_024);
    case 'Failed':
      return state.reason.slice(0, 1_024);
  }
}
