import {
  createInformer,
  isNotFound,
  keyOf,
  refOf,
  resourceType,
  type ApiClient,
  type KubeObject,
} from '../../operator/runtime/index.js';

interface Workload extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly observedGeneration?: number; readonly readyReplicas?: number };
}

const deployments = resourceType<Workload>('apps/v1', 'Deployment', 'deployments');
const statefulSets = resourceType<Workload>('apps/v1', 'StatefulSet', 'statefulsets');

const writers = 4;

/** Says of every workload that it is ready, in place of the controllers and nodes that a bare control plane lacks. */
export class Readiness {
  readonly #client: ApiClient;
  readonly #namespaces: readonly string[];
  readonly #waiting = new Map<string, { readonly type: typeof deployments; readonly object: Workload }>();
  #running = 0;

  constructor(client: ApiClient, namespaces: readonly string[]) {
    this.#client = client;
    this.#namespaces = namespaces;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const onFailure = (error: unknown) => {
      if (!signal.aborted && !isNotFound(error)) throw error;
    };
    const informers = [deployments, statefulSets].map((type) => {
      const informer = createInformer({
        client: this.#client,
        type,
        namespaces: this.#namespaces,
        transform: trimmed,
      });
      informer.onChange((_, object) => {
        if (object === undefined || isReady(object)) return;
        this.#waiting.set(`${type.kind} ${keyOf(object)}`, { type, object });
        if (this.#running < writers) void this.#write(signal).catch(onFailure);
      });
      return informer.run(signal);
    });
    await Promise.all(informers);
  }

  async #write(signal: AbortSignal): Promise<void> {
    this.#running += 1;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      const { type, object } = next;
      const options = { type: 'merge', subresource: 'status', signal } as const;
      await this.#client.patch(type, refOf(keyOf(object)), ready(type.kind, object), options);
    }
    this.#running -= 1;
  }

  #take(): { readonly type: typeof deployments; readonly object: Workload } | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    this.#waiting.delete(first[0]);
    return first[1];
  }
}

/** Without managed fields and pod templates, which are most of an object. */
function trimmed({ metadata, spec, status }: Workload): Workload {
  const { observedGeneration = 0, readyReplicas = 0 } = status ?? {};
  return {
    metadata: { ...metadata, managedFields: [] },
    spec: { replicas: spec?.replicas ?? 1 },
    status: { observedGeneration, readyReplicas },
  };
}

function isReady({ metadata, spec, status }: Workload): boolean {
  return status?.observedGeneration === metadata.generation && status?.readyReplicas === spec?.replicas;
}

function ready(kind: string, { metadata, spec }: Workload): object {
  const replicas = spec?.replicas ?? 1;
  const counts = {
    observedGeneration: metadata.generation,
    replicas,
    readyReplicas: replicas,
    updatedReplicas: replicas,
    availableReplicas: replicas,
  };
  const revision = `bench-${metadata.generation ?? 0}`;
  const at = new Date().toISOString();
  const condition = (type: string, reason: string) => ({
    type,
    reason,
    status: 'True',
    lastUpdateTime: at,
    lastTransitionTime: at,
  });
  const own =
    kind === 'StatefulSet'
      ? { currentRevision: revision, updateRevision: revision, currentReplicas: replicas }
      : {
          conditions: [
            condition('Available', 'MinimumReplicasAvailable'),
            condition('Progressing', 'NewReplicaSetAvailable'),
          ],
        };
  return { status: { ...counts, ...own } };
}
