import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { apiVersion } from '../../operator/api/resource.js';
import { problemText, validateManifest, type Resource } from '../../operator/api/validate.js';
import { localProblems } from '../../operator/api/local.js';
import { CliError, exitCodes } from '../exit.js';
import { readResources, storeOf } from '../local-resources.js';
import type { Terminal } from '../terminal.js';
import type { Kind, NewAction, ResourceAccess, SpecPatch, Stored } from './access.js';
import { mergePatch } from './merge-patch.js';

const pollMs = 200;

/** The resources of this machine, as files that `tori up` follows. */
export function localAccess(terminal: Terminal): ResourceAccess {
  const list = <K extends Kind>(kind: K) =>
    readResources(terminal).filter((one) => one.kind === kind) as unknown as readonly Stored<K>[];
  const get = <K extends Kind>(kind: K, name: string) =>
    list(kind).find(({ metadata }) => metadata.name === name);
  return {
    operatorHint: 'is `tori up` running?',
    get: async (kind, name) => Promise.resolve(get(kind, name)),
    list: async (kind) => Promise.resolve(list(kind)),
    async *watch(kind, name, signal) {
      let before: unknown = null;
      while (!signal.aborted) {
        const now = get(kind, name);
        if (!isDeepStrictEqual(now, before)) yield now;
        before = now;
        await sleep(pollMs, undefined, { signal }).catch(() => undefined);
      }
    },
    whoAmI: async () => Promise.resolve(userInfo().username),
    createAction: async (action) => Promise.resolve(createAction(action, terminal, get)),
    patchSpec: async (kind, name, patch) => {
      patchSpec({ kind, name }, patch, terminal);
      return Promise.resolve();
    },
  };
}

function createAction(
  { name, spec }: NewAction,
  terminal: Terminal,
  get: (kind: 'MemoryAction', name: string) => Stored<'MemoryAction'> | undefined,
): Awaited<ReturnType<ResourceAccess['createAction']>> {
  const present = get('MemoryAction', name);
  if (present !== undefined) return { action: present, created: false };
  const manifest = { apiVersion, kind: 'MemoryAction', metadata: { name }, spec };
  storeOf(terminal).apply(validated(manifest), manifest);
  return { action: get('MemoryAction', name)!, created: true };
}

/** Changes the manifest as its file has it, so that defaults are not written into what a person keeps. */
function patchSpec(
  { kind, name }: { readonly kind: Kind; readonly name: string },
  patch: SpecPatch,
  terminal: Terminal,
): void {
  const store = storeOf(terminal);
  const written = store.manifestOf({ kind, metadata: { name } });
  if (written === undefined) throw new CliError(exitCodes.notFound, `there is no ${kind} named "${name}"`);
  const manifest = mergePatch(written, { spec: patch });
  const stored = store.read().resources.find((one) => one.kind === kind && one.metadata.name === name);
  store.apply(validated(manifest, stored), manifest);
}

function validated(manifest: unknown, stored?: Resource): Resource {
  const result = validateManifest(manifest, stored);
  const problems = !result.ok
    ? result.problems
    : result.resource.kind === 'MemoryCluster'
      ? localProblems(result.resource)
      : [];
  if (problems.length > 0) throw new CliError(exitCodes.refused, problems.map(problemText).join('\n'));
  return (result as Extract<typeof result, { ok: true }>).resource;
}
