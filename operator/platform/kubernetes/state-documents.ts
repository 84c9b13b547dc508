import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import { isNotFound, type ApiClient } from '../../runtime/index.js';
import type { DocumentName, KeptDocuments } from '../../tracks/kept-documents.js';
import { configMapType, type ConfigMap } from './kinds.js';
import { fieldManager } from './field-manager.js';
import { isOwnedBy, ownedMetadata } from './owned.js';

/** Name of the ConfigMap that keeps what was done to the tracks of a cluster. */
export function stateName(cluster: string): string {
  return `${cluster}-state`;
}

/**
 * Documents as keys of the ConfigMap `<cluster>-state`. It is read once, and every write names the version it replaces: an
 * operator that was overtaken fails to write, and reads again before its next attempt.
 */
export class StateDocuments implements KeptDocuments {
  readonly #client: ApiClient;
  readonly #cluster: () => Stored<MemoryCluster>;
  #known: { readonly map: ConfigMap | undefined } | undefined;
  /** One write at a time: two jobs of one cluster may finish together. */
  #writing: Promise<void> = Promise.resolve();

  constructor(client: ApiClient, cluster: () => Stored<MemoryCluster>) {
    this.#client = client;
    this.#cluster = cluster;
  }

  async read(name: DocumentName): Promise<string | undefined> {
    return (await this.#read())?.data?.[keyOf(name)];
  }

  async write(name: DocumentName, text: string): Promise<void> {
    await this.#change((data) => ({ ...data, [keyOf(name)]: text }));
  }

  async remove(...names: readonly DocumentName[]): Promise<void> {
    const keys = names.map(keyOf);
    const data = (await this.#read())?.data ?? {};
    if (!keys.some((key) => key in data)) return;
    await this.#change((before) =>
      Object.fromEntries(Object.entries(before).filter(([key]) => !keys.includes(key))),
    );
  }

  #change(
    change: (data: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  ): Promise<void> {
    const done = this.#writing.then(() => this.#store(change));
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #store(
    change: (data: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  ): Promise<void> {
    const map = await this.#read();
    const data = change(map?.data ?? {});
    this.#known = undefined;
    const options = { fieldManager };
    const cluster = this.#cluster();
    const stored =
      map === undefined
        ? await this.#client.create(
            configMapType,
            { metadata: ownedMetadata(cluster, stateName(cluster.metadata.name)), data },
            options,
          )
        : await this.#client.update(configMapType, { ...map, data }, options);
    this.#known = { map: stored };
  }

  async #read(): Promise<ConfigMap | undefined> {
    if (this.#known !== undefined) return this.#known.map;
    const { name, namespace } = this.#cluster().metadata;
    const ref = { name: stateName(name), ...(namespace !== undefined && { namespace }) };
    const map = await this.#client.get(configMapType, ref).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    this.#known = { map: this.#usable(map) };
    return this.#known.map;
  }

  /** What a deleted cluster of the same name has left says nothing of this one; without an owner it stays, and is taken over. */
  #usable(map: ConfigMap | undefined): ConfigMap | undefined {
    const cluster = this.#cluster();
    if (map === undefined || isOwnedBy(map, cluster)) return map;
    if ((map.metadata.ownerReferences ?? []).length > 0) return undefined;
    const { name, resourceVersion } = map.metadata;
    return {
      metadata: {
        ...ownedMetadata(cluster, name),
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
    };
  }
}

function keyOf(name: DocumentName): string {
  return `${name}.json`;
}
