import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import { desiredWorkloads, type Workload } from '../../cluster/workloads.js';
import type { EffectiveParameters } from '../../cluster/parameters.js';
import type { RolloutStatus } from '../../api/rollout-status.js';
import type { Intent } from '../../rollout/intents.js';
import type { Machine } from './machine.js';
import { buildOf, processOf } from './processes.js';
import { publishShardTable, readShardTable, shardTableOf } from './shard-table.js';
import type { ProcessReport, ProcessSpec } from './supervisor/process-spec.js';
import type { TrackClients } from './tracks/clients.js';
import { pushParameters } from './tracks/parameters.js';
import { seedCanary } from './tracks/seed-canary.js';

/** What is to be done in one reconcile. */
export interface Plan {
  readonly cluster: MemoryCluster;
  readonly rollout: RolloutStatus;
  readonly intents: readonly Intent[];
  /** Effective parameters of a track under a template. */
  readonly parametersOf: (intent: Extract<Intent, { type: 'runTrack' }>) => EffectiveParameters;
  /** Consolidation cycles that the canary ran in this step. */
  readonly canarySleeps: number;
}

/** Carries a plan out: what is quick at once, what is long as background jobs. Doing it again changes nothing. */
export async function execute(machine: Machine, plan: Plan): Promise<ProcessReport[]> {
  for (const intent of plan.intents) perform(machine, plan, intent);
  return machine.supervisor.reconcile(wantedProcesses(machine, plan));
}

function perform(machine: Machine, plan: Plan, intent: Intent): void {
  const { jobs, tracks, trackState, signal } = machine;
  switch (intent.type) {
    case 'runTrack':
      push(machine, plan, intent);
      return;
    case 'publishTable':
      publish(machine, plan, intent);
      return;
    case 'seedCanary':
      if (trackState.seededRevision === intent.revision) return;
      jobs.ensure('seed', async () => {
        await seedCanary(tracks.stable, tracks.canary, signal);
        trackState.markSeeded(intent.revision);
      });
      return;
    case 'forceSleep':
      if (plan.canarySleeps >= intent.atLeast) return;
      jobs.ensure('force-sleep', () => forceSleep(tracks.canary, signal));
      return;
    case 'adoptTuning':
      jobs.ensure('adopt', async () => {
        await pushParameters(tracks.stable, intent.parameters, signal);
        trackState.markAdopted(intent.generation);
      });
      return;
    case 'drain':
      jobs.ensure('drain', () => machine.drain.run(intent.epoch, tracks, signal));
      return;
    case 'removeCanary':
      remove(machine);
      return;
  }
}

/** Processes of all tracks that should run, the gateway among them. */
function wantedProcesses(machine: Machine, plan: Plan): ProcessSpec[] {
  return plan.intents
    .filter((intent) => intent.type === 'runTrack')
    .flatMap((intent) => {
      const template = plan.rollout.revisions.find(({ revision }) => revision === intent.template)?.template;
      if (template === undefined) return [];
      const wish = {
        track: intent.track,
        revision: intent.revision,
        template,
        parameters: plan.parametersOf(intent),
      };
      return desiredWorkloads(plan.cluster.spec, wish).flatMap((workload) => processesOf(machine, workload));
    });
}

function processesOf(machine: Machine, workload: Workload): ProcessSpec[] {
  const build = buildOf(workload.version, machine);
  if (build === undefined) return [];
  return [processOf(workload, build, machine)];
}

/** Running services get the effective values at once; those that start find them in their environment. */
function push(machine: Machine, plan: Plan, intent: Extract<Intent, { type: 'runTrack' }>): void {
  const { annealT0, learningRate, l1Strength, dmdRank, kclL1Strength } = plan.parametersOf(intent);
  const values = {
    annealT0: annealT0.value,
    learningRate: learningRate.value,
    l1Strength: l1Strength.value,
    dmdRank: dmdRank.value,
    kclL1Strength: kclL1Strength.value,
  };
  const wanted = JSON.stringify([intent.revision, values]);
  if (machine.trackState.pushed.get(intent.track) === wanted) return;
  machine.jobs.ensure(`parameters-${intent.track}`, async () => {
    await pushParameters(machine.tracks[intent.track], values, machine.signal);
    machine.trackState.pushed.set(intent.track, wanted);
  });
}

function publish(machine: Machine, plan: Plan, table: Extract<Intent, { type: 'publishTable' }>): void {
  const { home, ports } = machine;
  const { rollout, cluster } = plan;
  const stable = rollout.stableRevision ?? rollout.run?.revision ?? '';
  const revisions = { stable, canary: rollout.run?.revision ?? stable };
  const before = readShardTable(home.shardTableFile);
  const routingKey = cluster.spec.routing.key;
  publishShardTable(home.shardTableFile, shardTableOf(table, { routingKey, ports, revisions, before }));
}

async function forceSleep({ sleep }: TrackClients, signal: AbortSignal): Promise<void> {
  const { runId } = await sleep.startConsolidation({ tenant: '', once: true }, { signal });
  for (let running = true; running;) {
    const { run } = await sleep.getConsolidation({ tenant: '', runId }, { signal });
    running = run?.finishedUnixMs === 0;
    await setTimeout(250, undefined, { signal });
  }
}

/** Deletes what the canary kept; its processes end because nothing asks for them any more. */
function remove({ home, drain, trackState, supervisor, completion }: Machine): void {
  if (supervisor.keys.some((key) => key.startsWith('canary/'))) return;
  rmSync(join(home.data, 'canary'), { recursive: true, force: true });
  rmSync(join(home.run, 'probes.json'), { force: true });
  drain.clear();
  completion.clear();
  trackState.forgetCanary();
}
