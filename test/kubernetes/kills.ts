import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import type { RolloutStatus } from '../../operator/api/rollout-status.js';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';
import { clusterType, profileType } from '../../operator/platform/kubernetes/kinds.js';
import { startKillProxy, type Moment } from './kill-proxy.js';
import type { OperatorProcess } from './operator.js';
import { quickCluster, World } from './world.js';

/** When the operator dies at the n-th state that it stores for the first time; undefined: it lives on. */
export type MomentOf = (index: number) => Moment | undefined;

/** What a cluster went through, as the audit log tells it. */
export interface Story {
  /** Each state that was stored, once in a row. */
  readonly states: readonly string[];
  /** How it ended, without times. */
  readonly end: readonly unknown[];
  /** Where operators were killed, as `state: moment`. */
  readonly kills: readonly string[];
}

/** Stories that can be told. */
export const stories = {
  promoted: (momentOf: MomentOf) => rollout('approve', momentOf),
  aborted: (momentOf: MomentOf) => rollout('abort', momentOf),
  tuned: tuning,
} as const;

interface Plot {
  /** The state that a status is in; undefined while there is none. */
  readonly stateOf: (cluster: MemoryCluster) => string | undefined;
  readonly momentOf: MomentOf;
  /** Makes it all happen; gives the end. */
  readonly play: (world: World) => Promise<readonly unknown[]>;
}

/** Plays a plot with an operator that is killed, and started again, at every state that it stores for the first time. */
async function tell({ stateOf, momentOf, play }: Plot): Promise<Story> {
  const world = await World.start('processes');
  const proxy = await startKillProxy(world.plane);
  const kills: string[] = [];
  const seen = new Set<string>();
  // A container that is started again finds the samples of the one before in the volume of its pod.
  const env = { STATE_DIR: join(world.folder, 'state') };
  const start = () => world.operator({ kubeconfig: proxy.kubeconfig, env });
  let operator: OperatorProcess = start();
  proxy.verdict = (written) => {
    const state = stateOf(written);
    if (state === undefined) return undefined;
    // An operator that dies before it has stored anything leaves no epoch behind: the next one begins at its own.
    const known = seen.size < 2 ? sinceTheFirst([state]).join() : state;
    if (seen.has(known)) return undefined;
    seen.add(known);
    const moment = momentOf(kills.length);
    if (moment !== undefined) kills.push(`${state}: ${moment}`);
    return moment;
  };
  proxy.kill = async () => {
    await operator.kill();
    operator = start();
  };
  try {
    const end = await play(world);
    const faults = world.statusFaults();
    if (faults.length > 0) throw new Error(faults.join('\n'));
    return { states: sinceTheFirst(storedStates(world, stateOf)), end, kills };
  } finally {
    await world.stop();
    await proxy.stop();
  }
}

function storedStates(world: World, stateOf: Plot['stateOf']): string[] {
  return world
    .audit()
    .filter(
      ({ objectRef, responseStatus }) =>
        objectRef?.resource === clusterType.plural &&
        objectRef.subresource === 'status' &&
        responseStatus?.code === 200,
    )
    .flatMap(({ responseObject }) => stateOf(responseObject as unknown as MemoryCluster) ?? [])
    .filter((state, k, all) => state !== all[k - 1])
    .filter((state, k, all) => !isResumed(state, all[k - 1], all[k - 2]));
}

/** What follows a pause may be stored in one write with the step that it allows, when an evaluation is due just then. */
function isResumed(state: string, before: string | undefined, earlier: string | undefined): boolean {
  return before?.startsWith('Paused') === true && state === earlier;
}

const gated = {
  rollout: {
    ...quickCluster('any').spec.rollout,
    steps: [
      { weight: 50, hold: '1s', minSleeps: 0, gate: true },
      { weight: 100, hold: '1s', minSleeps: 0 },
    ],
  },
};

/** Installs a cluster, and brings a new revision through a gate to its end. */
function rollout(answer: 'approve' | 'abort', momentOf: MomentOf): Promise<Story> {
  const manifest = (change: object = {}) => quickCluster('memory', { ...gated, ...change });
  return tell({
    momentOf,
    stateOf: ({ status }) => (status?.rollout === undefined ? undefined : rolloutState(status.rollout)),
    async play(world) {
      await world.apply(clusterType, manifest());
      await world.condition('memory', 'Ready', 'True', 300);
      const services = { koopman: { parameters: { kclL1Strength: 0.3 } } };
      await world.apply(clusterType, manifest({ services }));
      const gate = ({ status }: MemoryCluster) => status?.rollout?.run?.pause?.reason === 'Gate';
      await world.until('the gate', () => world.cluster('memory'), gate, 300);
      await world.act('end', answer, 'memory');
      const { status } = await world.until(
        'the end',
        () => world.cluster('memory'),
        (cluster) => cluster.status?.rollout?.history.length === 2,
        300,
      );
      return (status?.rollout?.history ?? []).map(({ kind, revision, outcome, reason, by }) => ({
        kind,
        revision,
        outcome,
        reason,
        by,
      }));
    },
  });
}

/** Epochs begin at the second of the installation: they are told from the first one on. */
function sinceTheFirst(states: readonly string[]): string[] {
  const epoch = /epoch (\d+)/;
  const first = Number(states.map((state) => epoch.exec(state)?.[1]).find((found) => found !== undefined));
  return states.map((state) => state.replace(epoch, (_, found: string) => `epoch +${Number(found) - first}`));
}

/** What a transition changes; the epoch shows that no table was published twice. */
function rolloutState({ state, table, run }: RolloutStatus): string {
  const served = run?.stepStartedAt === undefined ? '' : ' served';
  return `${state} ${table.basisPoints} epoch ${table.epoch}${served}`;
}

/** A rule that any two sleeps satisfy, and whose effect any two sleeps confirm. */
const anySleep = {
  id: 'any-sleep',
  parameter: 'learningRate',
  metric: 'consol_settle_loops',
  aggregate: 'mean',
  window: '1h',
  minSamples: 2,
  when: 'above',
  enter: -1,
  exit: -2,
  action: { type: 'divide', value: 2 },
  coolDown: '2s',
  objective: { expect: 'stayAbove', value: -1 },
};

/** Metrics stay fresh while another operator waits for the lease of a killed one: with stale ones nothing is approved. */
const patient = {
  tuningProfileRef: { name: 'profile' },
  monitoring: { interval: '1s', staleAfter: '60s' },
};

/** A profile asks before it halves eta, measures the change and keeps it; then a person pins eta, and then ends tuning. */
function tuning(momentOf: MomentOf): Promise<Story> {
  const profile = (spec: object) =>
    ({
      apiVersion: profileType.apiVersion,
      kind: 'TuningProfile',
      metadata: { name: 'profile', namespace: 'default' },
      spec: { rules: [anySleep], rateLimit: { changes: 1, per: '24h' }, ...spec },
    }) as unknown as TuningProfile;
  const eta = ({ status }: MemoryCluster) => status?.tuning?.parameters.learningRate;
  return tell({
    momentOf,
    stateOf(cluster) {
      const parameter = eta(cluster);
      return parameter === undefined
        ? undefined
        : `${parameter.state.phase} ${parameter.value} (${parameter.source})`;
    },
    async play(world) {
      await world.apply(profileType, profile({ mode: 'Approve' }));
      await world.apply(clusterType, quickCluster('memory', patient));
      await world.condition('memory', 'Ready', 'True', 300);
      const reach = (phase: string) =>
        world.until(
          phase,
          () => world.cluster('memory'),
          (cluster) => eta(cluster)?.state.phase === phase,
          300,
        );
      const sleeping = sleepWhile(world);
      const proposed = eta(await reach('Proposed'));
      const proposal = proposed?.state.phase === 'Proposed' ? proposed.state.proposal.id : '';
      await world.act('yes', 'approve', 'memory', proposal);
      await world.until(
        'the outcome',
        () => world.cluster('memory'),
        ({ status }) => status?.tuning?.adjustments[0]?.outcome === 'Kept',
        300,
      );
      await sleeping.stop();
      await world.apply(
        profileType,
        profile({ mode: 'Approve', parameters: { learningRate: { pin: 0.02 } } }),
      );
      await reach('Held');
      await world.apply(profileType, profile({ mode: 'Off' }));
      const { status } = await reach('Off');
      const adjustments = status?.tuning?.adjustments ?? [];
      return adjustments.map(({ id, rule, actor, before, after, outcome }) => ({
        id,
        rule,
        actor,
        before,
        after,
        outcome,
      }));
    },
  });
}

/** New episodes and a sleep on them, again and again, as somebody who comes back after a broken connection. */
function sleepWhile(world: World): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const run = (async () => {
    for (let round = 0; !stopping.signal.aborted; round++)
      await sleepOn(world, round).catch(() => sleep(500));
  })();
  return {
    async stop() {
      stopping.abort();
      await run;
    },
  };
}

async function sleepOn(world: World, round: number): Promise<void> {
  const mcp = await world.mcp('memory');
  try {
    for (let k = 0; k < 8; k++) {
      const concepts = { [`a-${(round + k) % 5}`]: 1, [`b-${k % 3}`]: 0.7, [`c-${k}`]: 0.5 };
      await mcp('memory.put', { id: `e-${round}-${k}`, episodeBlob: { concepts } });
    }
    await mcp('memory.sleep', { once: true });
  } finally {
    await mcp.close().catch(() => undefined);
  }
}
