import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';
import { profileType } from '../../operator/platform/kubernetes/kinds.js';
import { quickCluster } from './world.js';

/** How the learning rate climbs in a test. */
export interface Climb {
  /** Factor of one change. */
  readonly factor: number;
  readonly start: number;
  readonly max: number;
  readonly scope?: 'Stable' | 'CanaryFirst';
}

/**
 * A TuningProfile that raises the learning rate by a factor at every few sleep cycles, until its maximum: each change is
 * measured on live metrics and kept, because settle loops are never as many as the objective allows.
 */
export function climbingProfile({ factor, start, max, scope = 'Stable' }: Climb): TuningProfile {
  return {
    apiVersion: profileType.apiVersion,
    kind: 'TuningProfile',
    metadata: { name: 'climbing', namespace: 'default' },
    spec: {
      mode: 'Auto',
      scope,
      parameters: { learningRate: { start, max } },
      rateLimit: { changes: 1_000, per: '24h' },
      rules: [
        {
          id: 'eta-climbs',
          parameter: 'learningRate',
          metric: 'consol_settle_loops',
          window: '10m',
          minSamples: 2,
          when: 'below',
          enter: 1e6,
          exit: 2e6,
          action: { type: 'multiply', value: factor },
          coolDown: '2s',
          objective: { expect: 'stayBelow', value: 1e6 },
        },
      ],
    },
  } as unknown as TuningProfile;
}

/** A cluster whose canary takes seconds, which sleeps often, and which the climbing profile tunes. */
export function climbingCluster(name: string, { services = {}, ...spec }: Spec = {}): MemoryCluster {
  const sleep = { env: { SLEEP_MIN_NEW_EPISODES: '20', SLEEP_POLL_MS: '500' } };
  const { rollout } = quickCluster(name).spec;
  return quickCluster(name, {
    rollout: { ...rollout, progressDeadline: '5m' },
    tuningProfileRef: { name: 'climbing' },
    services: { sleep, ...services },
    ...spec,
  });
}

interface Spec {
  readonly services?: object;
  readonly [field: string]: unknown;
}
