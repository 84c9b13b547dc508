import { isDeepStrictEqual } from 'node:util';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { MemoryClusterStatus } from '../../operator/api/memory-cluster.js';
import { clusterType, configMapType, profileType } from '../../operator/platform/kubernetes/kinds.js';
import { fieldManager } from '../../operator/platform/kubernetes/field-manager.js';
import type { KubeObject } from '../../operator/runtime/index.js';
import { startLoad } from './life.js';
import { climbingCluster, climbingProfile } from './tuned.js';
import type { AuditEntry, World } from './world.js';
import { brokenChain, storedAdjustments, storedStatuses, succeeded } from './written.js';

/** What GitOps tools are called as field managers. */
const tools = ['kustomize-controller', 'argocd-controller'] as const;

/** How long and how often. */
export interface GitLoopOptions {
  readonly seconds: number;
  /** Between two rounds of one tool, in seconds. */
  readonly every: number;
}

/** What the loops and the operator did to each other. */
export interface GitLoopOutcome {
  readonly rounds: number;
  /** Diffs that `kubectl diff` found, and what of Git was not found in the API server. */
  readonly diffs: readonly string[];
  /** Applies that changed something. */
  readonly changes: readonly string[];
  /** What of the two manifests the operator wrote or owns beside status. */
  readonly trespasses: readonly string[];
  /** Highest generation of either. */
  readonly generation: number;
  readonly statusWrites: number;
  readonly promotedCanaries: number;
  readonly adjustments: number;
  /** Adjustments that do not begin where the one before ended. */
  readonly undone: readonly string[];
}

/**
 * Applies the manifests of a cluster and its profile by server-side apply with forced conflicts, over and over, first as Flux
 * and then as Argo CD does, while the tuner raises a parameter, each time through a canary.
 */
export async function gitLoop(world: World, { seconds, every }: GitLoopOptions): Promise<GitLoopOutcome> {
  const manifests = [
    climbingProfile({ factor: 1.1, start: 0.001, max: 0.1, scope: 'CanaryFirst' }),
    climbingCluster('memory'),
  ];
  const file = join(world.folder, 'git.yaml');
  writeFileSync(file, manifests.map((manifest) => stringify(manifest)).join('---\n'));
  world.book.cluster('default', 'memory');
  await kubectl(world, ['apply', ...asTool(tools[0]), '-f', file]);
  const first = await liveManifests(world);
  await world.condition('memory', 'Ready', 'True', 240);
  const load = await startLoad(world, 'memory', 1);
  const diffs: string[] = [];
  let rounds = 0;
  try {
    for (const tool of tools) {
      for (const end = Date.now() + (seconds * 1_000) / tools.length; Date.now() < end; rounds++) {
        const next = sleep(every * 1_000);
        await kubectl(world, ['apply', ...asTool(tool), '-f', file]);
        diffs.push(...(await diff(world, tool, file)));
        diffs.push(...compare(manifests, first, await liveManifests(world)));
        await next;
      }
    }
  } finally {
    await load.stop();
    await load.close();
  }
  return { rounds, diffs, ...(await judge(world)) };
}

function asTool(tool: string): string[] {
  return ['--server-side', '--force-conflicts', `--field-manager=${tool}`];
}

async function kubectl({ plane }: World, args: readonly string[]): Promise<void> {
  const { code, stderr } = await plane.kubectl(args);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}

/** A status that is written between kubectl's two looks shows as a diff too; one that is there three times is none of those. */
async function diff({ plane }: World, tool: string, file: string): Promise<string[]> {
  let text = '';
  for (let attempt = 0; attempt < 3; attempt++) {
    const { code, stdout, stderr } = await plane.kubectl(['diff', ...asTool(tool), '-f', file]);
    if (code === 0) return [];
    text = `${tool}: exit ${code}: ${stdout}${stderr}`;
  }
  return [text];
}

function liveManifests(world: World): Promise<KubeObject[]> {
  return Promise.all([
    world.client.get(profileType, { namespace: 'default', name: 'climbing' }),
    world.cluster('memory'),
  ]);
}

/** What is in Git must be there, and what the API server added by default must stay. */
function compare(
  git: readonly KubeObject[],
  first: readonly KubeObject[],
  live: readonly KubeObject[],
): string[] {
  return live.flatMap((object, k) => {
    const { kind = '' } = git[k]!;
    const same = isDeepStrictEqual(specOf(object), specOf(first[k]!));
    return [
      ...missingIn(specOf(git[k]!), specOf(object), `${kind}.spec`),
      ...(same ? [] : [`${kind}: the spec is not what it was: ${JSON.stringify(specOf(object))}`]),
    ];
  });
}

function specOf(object: KubeObject): unknown {
  return (object as { readonly spec?: unknown }).spec;
}

function missingIn(wanted: unknown, live: unknown, path: string): string[] {
  if (typeof wanted !== 'object' || wanted === null) {
    return wanted === live ? [] : [`${path}: ${JSON.stringify(wanted)} became ${JSON.stringify(live)}`];
  }
  return Object.entries(wanted).flatMap(([key, value]) =>
    missingIn(value, (live as Record<string, unknown> | undefined)?.[key], `${path}.${key}`),
  );
}

async function judge(world: World): Promise<Omit<GitLoopOutcome, 'rounds' | 'diffs'>> {
  const audit = world.audit();
  const ours = audit.filter(isOurKind).filter(succeeded);
  const statuses = storedStatuses(audit, 'memory');
  const live = await liveManifests(world);
  const promoted = new Set(
    statuses.flatMap(({ rollout }) =>
      (rollout?.history ?? [])
        .filter(({ kind, outcome }) => kind === 'Tuning' && outcome === 'Promoted')
        .map(({ startedAt }) => startedAt),
    ),
  );
  return {
    changes: changesByTools(ours),
    trespasses: [...ours.filter(isTrespass).map(nameOf), ...live.flatMap(ownedBesideStatus)],
    generation: Math.max(...live.map(({ metadata }) => metadata.generation ?? 0)),
    statusWrites: statuses.length,
    promotedCanaries: promoted.size,
    ...(await adjustmentsOf(world, statuses)),
  };
}

/**
 * Applies whose result is a version that no write of a status has made. The first one of each tool makes it an owner; that
 * of the second one is made by nobody else.
 */
function changesByTools(ours: readonly AuditEntry[]): string[] {
  const known = new Set(ours.filter(({ verb }) => verb === 'update').map(versionOf));
  const owners = new Set<string>();
  return ours
    .filter((entry) => entry.verb === 'patch' && !isDryRun(entry))
    .filter((entry) => {
      const begins = !owners.has(entry.requestURI);
      owners.add(entry.requestURI);
      if (begins) known.add(versionOf(entry));
      return !known.has(versionOf(entry));
    })
    .map(nameOf);
}

function versionOf({ responseObject }: AuditEntry): string | undefined {
  return responseObject?.metadata.resourceVersion;
}

function isDryRun({ requestURI }: AuditEntry): boolean {
  return requestURI.includes('dryRun=');
}

function isOurKind({ verb, objectRef }: AuditEntry): boolean {
  const kinds: readonly string[] = [clusterType.plural, profileType.plural];
  return kinds.includes(objectRef?.resource ?? '') && !['get', 'list', 'watch'].includes(verb);
}

/** Whether the operator wrote something other than a status. */
function isTrespass({ userAgent = '', objectRef }: AuditEntry): boolean {
  return userAgent.startsWith('tori-operator') && objectRef?.subresource !== 'status';
}

function ownedBesideStatus({ kind, metadata }: KubeObject): string[] {
  return (metadata.managedFields ?? [])
    .filter(({ manager, subresource }) => manager === fieldManager && subresource !== 'status')
    .map(({ fieldsV1 }) => `${kind ?? ''}: the operator owns ${JSON.stringify(fieldsV1)}`);
}

function nameOf({ verb, requestURI }: AuditEntry): string {
  return `${verb} ${requestURI}`;
}

async function adjustmentsOf(
  world: World,
  statuses: readonly MemoryClusterStatus[],
): Promise<Pick<GitLoopOutcome, 'adjustments' | 'undone'>> {
  const adjustments = storedAdjustments(statuses);
  const map = { namespace: 'default', name: 'memory-parameters-stable' };
  const both = async () => {
    const { data } = await world.client.get(configMapType, map);
    const { status } = await world.cluster('memory');
    return [Number(data?.['LEARNING_RATE']), status?.tuning?.parameters.learningRate.value] as const;
  };
  await world.until('pods get the value that the status tells', both, ([given, told]) => given === told);
  return { adjustments: adjustments.length, undone: brokenChain(adjustments) };
}
