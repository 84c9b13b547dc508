import { clusterType, profileType } from '../../operator/platform/kubernetes/kinds.js';
import type { MemoryClusterStatus } from '../../operator/api/memory-cluster.js';
import { Load } from '../harness/load.js';
import { climbingCluster, climbingProfile } from './tuned.js';
import type { World } from './world.js';

/** How long one stage may take when most requests fail, in seconds. */
const patience = 240;
const highest = 0.04;

/** What happens in the middle of a life. */
export interface Disturbance {
  /** When the canary has its first share. */
  readonly duringCanary: () => Promise<void>;
  /** When the canary was promoted and the tuner has begun. */
  readonly whileTuned: () => Promise<void>;
}

/**
 * A cluster's life under load: installed, ready, a canary promoted and drained, the learning rate raised twice to its
 * maximum. Ends when all is at rest, with the load stopped and not yet audited.
 */
export async function live(world: World, seed: number, disturbance?: Disturbance): Promise<Load> {
  await world.apply(profileType, climbingProfile({ factor: 2, start: 0.01, max: highest }));
  await world.apply(clusterType, climbingCluster('memory'));
  await world.condition('memory', 'Ready', 'True', patience);
  const load = await startLoad(world, 'memory', seed);
  try {
    const koopman = { parameters: { kclL1Strength: 0.3 } };
    await world.apply(clusterType, climbingCluster('memory', { services: { koopman } }));
    await reached(world, 'the canary has a share', ({ rollout }) => rollout?.state === 'Holding');
    await disturbance?.duringCanary();
    await reached(world, 'the canary is promoted', ({ rollout }) => rollout?.history.length === 2);
    await reached(world, 'the tuner raises η', ({ tuning }) => etaOf(tuning) > 0.01);
    await disturbance?.whileTuned();
    await reached(world, 'η is at its highest and was kept', atRest);
  } finally {
    await load.stop();
  }
  return load;
}

/** Writers that put episodes through the gateway of a cluster. */
export async function startLoad(world: World, cluster: string, seed: number): Promise<Load> {
  const { url, apiKey } = await world.gateway(cluster);
  const load = new Load({ endpoints: { mcp: url }, apiKey }, seed);
  load.start(1);
  return load;
}

function atRest({ conditions, rollout, tuning }: MemoryClusterStatus): boolean {
  const ready = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const { phase } = tuning?.parameters.learningRate.state ?? {};
  return ready && rollout?.run === undefined && etaOf(tuning) === highest && phase === 'Watching';
}

function etaOf(tuning: MemoryClusterStatus['tuning']): number {
  return tuning?.parameters.learningRate.value ?? 0;
}

function reached(world: World, what: string, holds: (status: MemoryClusterStatus) => boolean) {
  return world.until(
    what,
    async () => (await world.cluster('memory')).status,
    (status) => status !== undefined && holds(status),
    patience,
  );
}

/** The way that the rollouts of such a life take, see `wayOf`. */
export const canaryWay: readonly string[] = [
  'Installing 0 0%',
  'Stable - 0%',
  'Starting 0 0%',
  'Holding 0 50%',
  'Holding 1 100%',
  'Promoting 1 100%',
  'Draining 1 0%',
  'Removing 1 0%',
  'Stable - 0%',
];
