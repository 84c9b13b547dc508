import { setTimeout as sleep } from 'node:timers/promises';
import type { MemoryCluster, MemoryClusterStatus } from '../../operator/api/memory-cluster.js';
import type { Adjustment } from '../../operator/api/tuning-status.js';
import { problemText } from '../../operator/api/validate.js';
import type { ResourceStore } from '../../operator/platform/local/resources/store.js';
import type { Say } from './say.js';

/** What following a cluster needs. */
export interface Following {
  readonly store: ResourceStore;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/** The cluster of this machine, as the resource files and the operator's status have it. */
export function currentCluster(store: ResourceStore): MemoryCluster | undefined {
  return store
    .read()
    .resources.find(
      (resource): resource is typeof resource & MemoryCluster => resource.kind === 'MemoryCluster',
    );
}

/** Tells every change that a person should hear of, once, until the signal aborts. */
export async function follow({ store, say, signal }: Following): Promise<void> {
  let before = currentCluster(store)?.status;
  const told = new Set(before?.tuning?.adjustments.map(nameOf));
  let faults = '';
  while (!signal.aborted) {
    await sleep(500, undefined, { signal }).catch(() => undefined);
    faults = tellFaults(store, faults, say);
    const status = currentCluster(store)?.status;
    if (status === undefined) continue;
    tellServices(before, status, say);
    tellRollout(before, status, say);
    tellTuning(status, told, say);
    before = status;
  }
}

function tellFaults(store: ResourceStore, before: string, say: Say): string {
  const now = faultLines(store).join('\n');
  if (now !== before && now !== '') say.warn(`${now}\n  The last accepted version stays in force.`);
  return now;
}

/** What is wrong with the resource files, a line for each fault. */
export function faultLines(store: ResourceStore): string[] {
  return store
    .read()
    .problems.flatMap(({ file, problems }) => problems.map((one) => `${file}: ${problemText(one)}`));
}

function tellServices(before: MemoryClusterStatus | undefined, status: MemoryClusterStatus, say: Say): void {
  for (const service of status.services) {
    const same = before?.services.find(({ name, track }) => name === service.name && track === service.track);
    if (same === undefined || same.ready === service.ready || service.message === 'starts') continue;
    const name = service.track === 'canary' ? `${service.name} (canary)` : service.name;
    if (service.ready === service.wanted)
      say.done(`${name} is Ready${service.restarts === 0 ? '' : ' again'}`);
    else say.warn(`${name} is not ready${service.message === undefined ? '' : `: ${service.message}`}`);
  }
}

function tellRollout(before: MemoryClusterStatus | undefined, status: MemoryClusterStatus, say: Say): void {
  const line = rolloutLine(status);
  if (line !== undefined && line !== rolloutLine(before)) say.fact(line);
  const last = status.rollout?.history[0];
  if (last === undefined || last.finishedAt === before?.rollout?.history[0]?.finishedAt) return;
  if (last.outcome === 'Promoted')
    say.done(`Canary ${last.revision} is promoted: every key is served by it. ${last.reason}`);
  else say.warn(`Canary ${last.revision} ended ${last.outcome}. ${last.reason}`);
}

function rolloutLine(status: MemoryClusterStatus | undefined): string | undefined {
  const canary = status?.canary;
  const rollout = status?.rollout;
  if (canary === undefined || rollout === undefined) return undefined;
  const verdict = canary.verdict === undefined ? '' : `, verdict ${canary.verdict}`;
  return `Canary ${canary.revision}: ${rollout.state} at ${canary.weight}, step ${canary.step}${verdict}`;
}

function tellTuning(status: MemoryClusterStatus, told: Set<string>, say: Say): void {
  for (const adjustment of status.tuning?.adjustments ?? []) {
    const key = nameOf(adjustment);
    if (told.has(key)) continue;
    told.add(key);
    say.done(adjustmentLine(adjustment));
  }
}

/** An adjustment is told when it is made and again when its outcome is known. */
function nameOf({ id, outcome }: Adjustment): string {
  return `${id} ${outcome}`;
}

function adjustmentLine({ parameter, before, after, rule, evidence, outcome }: Adjustment): string {
  const number = (value: number) => Number(value.toPrecision(3)).toString();
  const why =
    evidence === undefined
      ? ''
      : ` because ${evidence.metric} is ${number(evidence.value)} (threshold ${number(evidence.threshold)}, ${evidence.samples} samples)`;
  return outcome === 'OnTrial'
    ? `Tuner: ${parameter} ${number(before)} → ${number(after)} by rule ${rule}${why}`
    : `Tuner: ${parameter} ${number(before)} → ${number(after)} was ${outcome.toLowerCase()}`;
}
