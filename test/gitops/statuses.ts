import { profileStatus, type ProfileUser } from '../../operator/reconcile/profile-status.js';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';
import { clusterStatus, type StatusInputs } from '../../operator/cluster/status.js';
import type { MemoryCluster, ServiceStatus } from '../../operator/api/memory-cluster.js';
import type { RolloutState, RolloutStatus } from '../../operator/api/rollout-status.js';
import { providerErrorBudget } from '../../operator/rollout/evaluate.js';
import { clusterOf, servingWorld, specOf, World } from '../rollout/world.js';

/** How Argo CD and kstatus have to see a resource. */
export interface Seen {
  readonly argo: 'Healthy' | 'Progressing' | 'Suspended' | 'Degraded';
  readonly flux: 'Current' | 'InProgress' | 'Failed';
}

/** A resource at a moment of its life, with the status that the operator's own code gives it. */
export interface Moment extends Seen {
  readonly name: string;
  readonly cluster: MemoryCluster;
}

const current = { argo: 'Healthy', flux: 'Current' } as const;
const inProgress = { argo: 'Progressing', flux: 'InProgress' } as const;
const waits = { argo: 'Suspended', flux: 'Current' } as const;
const failed = { argo: 'Degraded', flux: 'Failed' } as const;
const generation = 3;

const down: ServiceStatus = {
  name: 'vault',
  track: 'stable',
  revision: 'r',
  wanted: 1,
  ready: 0,
  message: 'exit 78',
};

/** Every phase that a MemoryCluster can be in, and what must not be misread beside it. */
export function moments(): Moment[] {
  const unseen = clusterOf({});
  const serving = servingWorld();
  const stable = withStatus(serving);
  return [
    { name: 'not seen yet', cluster: at(unseen), ...inProgress },
    { name: 'seen, nothing started', cluster: written({}), ...inProgress },
    {
      name: 'seen before its last change',
      cluster: at(stable, { generation: generation + 1 }),
      ...inProgress,
    },
    { name: 'a status without conditions', cluster: { ...at(stable), status: {} as never }, ...inProgress },
    { name: 'Installing', cluster: withStatus(installing()), ...inProgress },
    { name: 'Ready', cluster: stable, ...current },
    { name: 'Starting', cluster: cameTo('Starting'), ...current },
    { name: 'Holding', cluster: cameTo('Holding'), ...current },
    {
      name: 'Holding, waited for',
      cluster: cameTo('Holding', { waitPolicy: 'untilPromoted' }),
      ...inProgress,
    },
    { name: 'Paused for a promote', cluster: cameTo('Paused', { autoPromote: false }), ...waits },
    { name: 'Paused by the spec', cluster: paused(), ...waits },
    { name: 'Paused because it failed', cluster: failing('Paused', { onFail: 'pause' }), ...failed },
    { name: 'Promoting', cluster: cameTo('Promoting'), ...current },
    { name: 'Draining after a promotion', cluster: cameTo('Draining'), ...current },
    { name: 'RollingBack', cluster: failing('RollingBack', { onFail: 'gradualRollback' }), ...inProgress },
    {
      name: 'Draining after a rollback',
      cluster: failing('Draining', { onFail: 'rollback' }),
      ...inProgress,
    },
    { name: 'rolled back', cluster: rolledBack(), ...failed },
    { name: 'services down', cluster: withStatus(serving, { services: [down] }), ...inProgress },
    { name: 'metrics stale', cluster: unreadable(), ...current },
    { name: 'canary starved', cluster: starved(), ...current },
    {
      name: 'invalid',
      cluster: written({ problems: [{ path: 'spec.version', value: '', reason: 'is empty' }] }),
      ...failed,
    },
    {
      name: 'deleting',
      cluster: at(stable, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      ...inProgress,
    },
  ];
}

/** Profiles: as they come, as they are used, and as nobody uses them. */
export function profiles(): (Seen & { readonly name: string; readonly profile: object })[] {
  const metadata = { name: 'default', namespace: 'memory', generation };
  const bare = { apiVersion: 'memory.tori.dev/v1alpha1', kind: 'TuningProfile', metadata, spec: {} };
  const cluster = { name: 'memory', status: withStatus(servingWorld()).status };
  const mirrored = (users: readonly ProfileUser[]) => ({
    ...bare,
    status: profileStatus(bare as unknown as TuningProfile, generation, users, new Date(0)),
  });
  const old = { ...mirrored([]), metadata: { ...metadata, generation: generation + 1 } };
  return [
    { name: 'not seen yet', profile: bare, ...inProgress },
    { name: 'in use', profile: mirrored([cluster]), ...current },
    { name: 'unused', profile: mirrored([]), ...current },
    { name: 'seen before its last change', profile: old, ...inProgress },
    { name: 'a status without conditions', profile: { ...bare, status: {} }, ...inProgress },
  ];
}

function withStatus(world: World, more: Partial<StatusInputs> = {}): MemoryCluster {
  return written(
    { rollout: world.status!, ...more },
    { ...clusterOf({}), spec: world.wish.spec },
    world.instant,
  );
}

function written(
  inputs: Partial<StatusInputs>,
  cluster: MemoryCluster = clusterOf({}),
  now = new Date(0),
): MemoryCluster {
  const all = { cluster, generation, services: [], endpoints: {}, problems: [], ...inputs };
  return at({ ...cluster, status: clusterStatus(all, now) });
}

/** The resource as the API server gives it. */
function at(cluster: MemoryCluster, metadata: object = {}): MemoryCluster {
  return JSON.parse(
    JSON.stringify({
      ...cluster,
      metadata: { ...cluster.metadata, namespace: 'memory', generation, resourceVersion: '42', ...metadata },
    }),
  ) as MemoryCluster;
}

function changed(rollout: Record<string, unknown> = {}): World {
  const world = servingWorld(rollout);
  world.wish = { spec: specOf(0.02, rollout) };
  return world;
}

function until(world: World, state: RolloutState): MemoryCluster {
  if (!world.runUntil((status) => status.state === state)) throw new Error(`it never came to ${state}`);
  return withStatus(world);
}

const cameTo = (state: RolloutState, rollout: Record<string, unknown> = {}) => until(changed(rollout), state);

function installing(): World {
  const world = new World(specOf(0.01));
  world.stableStarts = false;
  world.reconcile();
  return world;
}

function failing(state: RolloutState, rollout: Record<string, unknown>): MemoryCluster {
  const world = changed(rollout);
  world.runUntil((status) => status.state === 'Holding');
  world.quality = 'failing';
  return until(world, state);
}

function paused(): MemoryCluster {
  const world = changed();
  world.runUntil((status) => status.state === 'Holding');
  world.wish = { spec: specOf(0.02, { paused: true }) };
  return until(world, 'Paused');
}

/** The first step with keys too few for its samples. */
function starved(): MemoryCluster {
  const world = changed();
  world.requestsPerSecond = 0.01;
  if (!world.runUntil(({ run }) => run?.starved === true)) throw new Error('it never starved');
  return withStatus(world);
}

function unreadable(): MemoryCluster {
  const world = changed();
  world.runUntil((status) => status.state === 'Holding');
  world.quality = 'unreadable';
  const errors = (status: RolloutStatus) => status.run?.consecutiveProviderErrors ?? 0;
  if (!world.runUntil((status) => errors(status) >= providerErrorBudget)) throw new Error('never stale');
  return withStatus(world);
}

function rolledBack(): MemoryCluster {
  const world = changed();
  world.quality = 'failing';
  world.runUntil(({ history }) => history[0]?.outcome === 'RolledBack');
  return withStatus(world);
}
