import { setTimeout as sleep } from 'node:timers/promises';
import { definitions } from '../../operator/api/definitions.js';
import { apiVersion } from '../../operator/api/resource.js';
import { ApiClient } from '../../operator/runtime/client/api-client.js';
import { ApiError, ConnectionError, isAlreadyExists } from '../../operator/runtime/client/errors.js';
import { loadConnection } from '../../operator/runtime/client/load-connection.js';
import type { KubeObject } from '../../operator/runtime/client/objects.js';
import { resourceType, type ResourceType } from '../../operator/runtime/client/resource-type.js';
import { CliError, exitCodes } from '../exit.js';
import type { Scope } from '../context.js';
import type { Kind, NewAction, ResourceAccess, Stored } from './access.js';
import { told } from './kubernetes-errors.js';

/** The options that kubectl users know. */
export interface KubernetesOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Shown in managedFields and audit logs. */
const manager = 'kubectl-tori';
const watchSeconds = 240;
const reconnectMs = 1_000;

/** The resources of a Kubernetes API server, with the rights of the person who asks. */
export async function kubernetesAccess(
  options: KubernetesOptions,
  scope: Scope = {},
): Promise<ResourceAccess> {
  const client = await connect(options);
  const namespace = options.namespace ?? client.connection.namespace;
  const { signal } = options;
  const at = (name: string) => ({ namespace, name });

  return {
    operatorHint:
      'see `kubectl get pods -A -l app.kubernetes.io/name=tori-memory` and the logs of the operator.',
    async get(kind, name) {
      return told(() => client.find(typeOf(kind), at(name), { signal }), { verb: 'get', kind, namespace });
    },
    async list(kind) {
      const where = scope.everywhere === true ? {} : { namespace };
      const found = await told(() => client.list(typeOf(kind), { ...where, signal }), {
        verb: 'list',
        kind,
        ...where,
      });
      return found.items;
    },
    watch(kind, name, until) {
      return following(client, { kind, name, namespace }, until);
    },
    async whoAmI() {
      return told(() => userOf(client, signal), { verb: 'create', kind: 'SelfSubjectReview' });
    },
    async createAction(action) {
      return told(() => createAction(client, { action, namespace, signal }), {
        verb: 'create',
        kind: 'MemoryAction',
        namespace,
      });
    },
    async patchSpec(kind, name, patch) {
      const change = { type: 'merge', fieldManager: manager, signal } as const;
      await told(() => client.patch(typeOf(kind), at(name), { spec: patch }, change), {
        verb: 'patch',
        kind,
        namespace,
      });
    },
  };
}

async function connect({ kubeconfig, context, env }: KubernetesOptions): Promise<ApiClient> {
  try {
    const connection = await loadConnection({
      env,
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
    });
    return new ApiClient({ connection, userAgent: manager });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(exitCodes.config, `kubeconfig: ${reason}`, { cause });
  }
}

function typeOf<K extends Kind>(kind: K): ResourceType<Stored<K>> {
  const { plural } = definitions.find((definition) => definition.kind === kind)!;
  return resourceType<Stored<K>>(apiVersion, kind, plural);
}

interface SelfSubjectReview extends KubeObject {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

const selfSubjectReview = resourceType<SelfSubjectReview>(
  'authentication.k8s.io/v1',
  'SelfSubjectReview',
  'selfsubjectreviews',
  'Cluster',
);

async function userOf(client: ApiClient, signal: AbortSignal): Promise<string> {
  const review = await client.create(selfSubjectReview, { metadata: { name: '' } }, { signal });
  return review.status?.userInfo?.username ?? 'unknown';
}

async function createAction(
  client: ApiClient,
  {
    action: { name, spec },
    namespace,
    signal,
  }: { readonly action: NewAction; readonly namespace: string; readonly signal: AbortSignal },
): Promise<Awaited<ReturnType<ResourceAccess['createAction']>>> {
  const type = typeOf('MemoryAction');
  const object = { apiVersion, kind: 'MemoryAction', metadata: { name, namespace }, spec } as const;
  try {
    const made = await client.create(type, object as unknown as Stored<'MemoryAction'>, {
      fieldManager: manager,
      signal,
    });
    return { action: made, created: true };
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return { action: await client.get(type, { name, namespace }, { signal }), created: false };
  }
}

interface Followed<K extends Kind> {
  readonly kind: K;
  readonly name: string;
  readonly namespace: string;
}

/** One object as it is and as it changes; a watch that breaks is begun anew, and what was seen already is not told again. */
async function* following<K extends Kind>(
  client: ApiClient,
  followed: Followed<K>,
  until: AbortSignal,
): AsyncGenerator<Stored<K> | undefined> {
  const end = new AbortController();
  const signal = AbortSignal.any([until, end.signal]);
  let seen: string | undefined = '';
  try {
    for await (const object of sights(client, followed, signal)) {
      const version = object?.metadata.resourceVersion;
      if (version !== seen) yield object;
      seen = version;
    }
  } finally {
    end.abort();
  }
}

/** Begins again after a break, until the signal aborts. */
async function* sights<K extends Kind>(
  client: ApiClient,
  followed: Followed<K>,
  signal: AbortSignal,
): AsyncGenerator<Stored<K> | undefined> {
  while (!signal.aborted) {
    try {
      yield* listAndWatch(client, followed, signal);
    } catch (error) {
      if (isAborted(signal)) return;
      if (!isPassing(error)) throw error;
      await sleep(reconnectMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** The object now, then each change, until the server ends the watch. */
async function* listAndWatch<K extends Kind>(
  client: ApiClient,
  { kind, name, namespace }: Followed<K>,
  signal: AbortSignal,
): AsyncGenerator<Stored<K> | undefined> {
  const selection = { namespace, fieldSelector: `metadata.name=${name}` };
  const list = () => client.list(typeOf(kind), { ...selection, signal });
  const { items, resourceVersion } = await told(list, { verb: 'watch', kind, namespace });
  yield items[0];
  const options = { ...selection, resourceVersion, timeoutSeconds: watchSeconds, signal };
  for await (const event of client.watch(typeOf(kind), options)) {
    if (event.type !== 'BOOKMARK') yield event.type === 'DELETED' ? undefined : event.object;
  }
}

/** A function, because the compiler takes an `aborted` that it has seen false to stay so. */
function isAborted({ aborted }: AbortSignal): boolean {
  return aborted;
}

/** A break that says nothing about the question: the API server restarts, or has forgotten the version. */
function isPassing(error: unknown): boolean {
  const cause = error instanceof CliError ? error.cause : error;
  if (cause instanceof ConnectionError) return true;
  return cause instanceof ApiError && (cause.status >= 500 || [410, 429].includes(cause.status));
}
