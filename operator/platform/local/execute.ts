import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { busEnvironment } from '../../cluster/bus.js';
import { desiredWorkloads, type Workload } from '../../cluster/workloads.js';
import type { Plan } from '../../reconcile/reconcile.js';
import type { Intent } from '../../rollout/intents.js';
import { shardTableOf } from '../../tracks/shard-table.js';
import type { Machine } from './machine.js';
import { serviceAddresses } from './ports.js';
import { buildOf, processOf } from './processes.js';
import { publishShardTable, readShardTable } from './shard-table.js';
import type { ProcessSpec } from './supervisor/process-spec.js';

/** Carries a plan out: what is quick at once, what is long as background jobs. Doing it again changes nothing. */
export async function execute(machine: Machine, plan: Plan): Promise<void> {
  machine.duties.perform(plan.intents, plan);
  for (const intent of plan.intents) {
    if (intent.type === 'publishTable') publish(machine, plan, intent);
    if (intent.type === 'removeCanary') await remove(machine);
  }
  await machine.supervisor.reconcile(wantedProcesses(machine, plan));
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
      return desiredWorkloads(plan.cluster.spec, wish).flatMap((workload) =>
        processesOf(machine, onTheBus(workload, plan, machine)),
      );
    });
}

/** The gateway has no part in the bus. */
function onTheBus(workload: Workload, { cluster }: Plan, { home }: Machine): Workload {
  const { redisSecret } = cluster.spec.bus;
  if (workload.service === 'gateway' || redisSecret === undefined) return workload;
  const urlFile = join(home.secrets, redisSecret.name, redisSecret.key);
  return { ...workload, env: { ...workload.env, ...busEnvironment(cluster, workload.track, urlFile) } };
}

function processesOf(machine: Machine, workload: Workload): ProcessSpec[] {
  const build = buildOf(workload.version, machine);
  if (build === undefined) return [];
  return [processOf(workload, build, machine)];
}

function publish(
  { home, ports }: Machine,
  { rollout, cluster }: Plan,
  wanted: Extract<Intent, { type: 'publishTable' }>,
): void {
  const table = shardTableOf(wanted, {
    routingKey: cluster.spec.routing.key,
    rollout,
    addresses: (track) => serviceAddresses(ports, track),
    before: readShardTable(home.shardTableFile),
  });
  publishShardTable(home.shardTableFile, table);
}

/** Deletes what the canary kept; its processes end because nothing asks for them any more. */
async function remove({ home, duties, supervisor }: Machine): Promise<void> {
  if (supervisor.keys.some((key) => key.startsWith('canary/'))) return;
  rmSync(join(home.data, 'canary'), { recursive: true, force: true });
  await duties.forgetCanary();
}
