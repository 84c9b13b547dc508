import type { MemoryCluster, ServiceStatus } from '../../operator/api/memory-cluster.js';
import { apiVersion } from '../../operator/api/resource.js';
import type { RolloutState, RolloutStatus } from '../../operator/api/rollout-status.js';
import { trackedServices } from '../../operator/api/services-spec.js';
import type { TuningStatus } from '../../operator/api/tuning-status.js';
import { clusterStatus } from '../../operator/cluster/status.js';
import { carryOut } from '../../operator/rollout/commands.js';
import type { Stored } from '../../cli/resources/access.js';
import { servingWorld, specOf, World } from '../rollout/world.js';

/** A cluster as the operator reports it, of what a world has come to. */
export function reported(
  world: World,
  more: { readonly tuning?: TuningStatus } = {},
): Stored<'MemoryCluster'> {
  const { spec } = world.wish;
  const metadata = {
    name: 'demo',
    uid: '7c7a3a0e-0000-4000-8000-000000000001',
    generation: 2,
    creationTimestamp: '2026-01-01T00:00:00.000Z',
  };
  const cluster: MemoryCluster = { apiVersion, kind: 'MemoryCluster', metadata, spec };
  const inputs = {
    cluster,
    generation: 2,
    services: services(world),
    endpoints: { mcp: 'http://demo-gateway.memory.svc:8787/mcp' },
    problems: [],
    ...(world.status !== undefined && { rollout: world.status }),
    ...more,
  };
  return { ...cluster, metadata, status: clusterStatus(inputs, world.instant) };
}

function services(world: World): ServiceStatus[] {
  const { stable, canary } = world.observe();
  const gateway = service('gateway', 'stable', stable);
  return [
    ...trackedServices.map((name) => service(name, 'stable', stable)),
    gateway,
    ...(canary === undefined ? [] : trackedServices.map((name) => service(name, 'canary', canary))),
  ];
}

function service(
  name: ServiceStatus['name'],
  track: ServiceStatus['track'],
  {
    revision = '',
    ready,
    message,
  }: { readonly revision?: string; readonly ready: boolean; readonly message?: string },
): ServiceStatus {
  const bad = !ready && name === 'vault';
  return {
    name,
    track,
    revision,
    wanted: 1,
    ready: bad ? 0 : 1,
    ...(bad && { restarts: 3, message: message ?? '' }),
  };
}

/** A world whose rollout has come to a state by real decisions, on the way of a good canary or of a failing one. */
export function worldIn(state: RolloutState): World {
  if (state === 'Installing') {
    const world = new World(specOf(0.01));
    world.stableStarts = false;
    world.reconcile();
    return world;
  }
  const world = servingWorld();
  if (state === 'Stable') return world;
  world.wish = { spec: specOf(0.02) };
  if (state === 'RollingBack') world.quality = 'failing';
  if (state === 'Paused') {
    reach(world, ({ run }) => run?.lastVerdict !== undefined);
    const command = { uid: 'pause-1', action: 'pause', by: 'ada', reason: 'a look at the logs' } as const;
    world.status = carryOut(command, world.status!, world.wish.spec, world.instant).status;
    return world;
  }
  const judged = ({ run, state: now }: RolloutStatus) => now === state && run?.lastVerdict !== undefined;
  reach(world, state === 'Starting' ? ({ state: now }) => now === state : judged);
  return world;
}

function reach(world: World, done: (status: RolloutStatus) => boolean): void {
  if (!world.runUntil(done)) throw new Error('the world never came there');
}
