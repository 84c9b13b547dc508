import { setTimeout as sleep } from 'node:timers/promises';
import { clusterType } from '../../operator/platform/kubernetes/kinds.js';
import { startFaultProxy } from '../cluster/fault-proxy.js';
import { chaos, type FaultPlan } from '../cluster/faults.js';
import type { Audit, Load } from '../harness/load.js';
import { finalState } from './final-state.js';
import { live } from './life.js';
import { storedStatuses, wayOf } from './written.js';
import type { World } from './world.js';

/** What a cluster's life led to. */
export interface Outcome {
  /** Children and status at the end, see {@link finalState}. */
  readonly state: Readonly<Record<string, unknown>>;
  /** See {@link wayOf}. */
  readonly way: readonly string[];
  readonly load: Audit;
}

/** What was done to the operator's requests, and how it ended. */
export interface FaultOutcome extends Outcome {
  readonly requests: number;
  /** Faults by kind. */
  readonly struck: Readonly<Record<string, number>>;
  /** From the end of the faults to rest. */
  readonly secondsToConverge: number;
}

/** How hard the operator is hit. */
export interface FaultOptions {
  readonly seed: number;
  /** Share of requests that are struck. */
  readonly rate: number;
}

/** The life of a cluster with nothing in its way. */
export async function withoutFaults(world: World, seed: number): Promise<Outcome> {
  const operator = world.operator();
  const load = await live(world, seed);
  const outcome = await outcomeOf(world, load);
  await operator.stop();
  return outcome;
}

/**
 * The same life while requests of the operator fail at random, while the API server is killed during the canary, and
 * connections are cut. The faults end when the tuner has made its first change.
 */
export async function throughFaults(world: World, { seed, rate }: FaultOptions): Promise<FaultOutcome> {
  const proxy = await startFaultProxy(world.plane);
  const struck = new Map<string, number>();
  try {
    proxy.plan(counted(chaos({ seed, rate }), struck));
    const operator = world.operator({
      kubeconfig: proxy.kubeconfig,
      env: { WATCH_SECONDS: '6', LEASE_SECONDS: '15' },
    });
    let quietSince = 0;
    const load = await live(world, seed, {
      duringCanary: async () => {
        await world.plane.restartApiServer();
        struck.set('API server killed', 1);
        await sleep(1_000);
        proxy.cutConnections();
        struck.set('all connections cut', 1);
      },
      whileTuned: () => {
        proxy.plan(undefined);
        quietSince = Date.now();
        return Promise.resolve();
      },
    });
    const secondsToConverge = (Date.now() - quietSince) / 1_000;
    const outcome = await outcomeOf(world, load);
    await operator.stop();
    return {
      ...outcome,
      secondsToConverge,
      requests: proxy.requests,
      struck: Object.fromEntries([...struck].sort(([a], [b]) => a.localeCompare(b))),
    };
  } finally {
    await proxy.stop();
  }
}

/** Deletes the cluster with its volumes, and waits until it and its pods are gone. */
export async function forget(world: World): Promise<void> {
  await world.client.delete(clusterType, { namespace: 'default', name: 'memory' });
  const selector = ['-l', 'memory.tori.dev/cluster=memory'];
  await world.plane.kubectl(['delete', 'pvc', '--wait=false', ...selector]);
  await world.until(
    'the cluster is gone',
    async () => {
      const kinds = 'mc,sts,deploy,pods,pvc,cm,secrets';
      return (await world.plane.kubectl(['get', kinds, '-o', 'name', ...selector])).stdout;
    },
    (text) => text === '',
  );
}

async function outcomeOf(world: World, load: Load): Promise<Outcome> {
  try {
    const audit = await load.audit();
    const uid = (await world.cluster('memory')).metadata.uid;
    const entries = world.audit().filter(({ responseObject }) => responseObject?.metadata.uid === uid);
    return {
      load: audit,
      way: wayOf(storedStatuses(entries, 'memory')),
      state: await finalState(world, 'memory'),
    };
  } finally {
    await load.close();
  }
}

function counted(plan: FaultPlan, struck: Map<string, number>): FaultPlan {
  return (request) => {
    const fault = plan(request);
    if (fault === undefined) return undefined;
    const name = 'code' in fault ? `${fault.kind} ${fault.code}` : fault.kind;
    struck.set(name, (struck.get(name) ?? 0) + 1);
    return fault;
  };
}
