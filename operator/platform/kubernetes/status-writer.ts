import { keyOf, type ApiClient, type KubeObject, type ResourceType } from '../../runtime/index.js';
import { fieldManager } from './field-manager.js';
import { withoutManagedFields } from './trim.js';

/** An object with a status that can be replaced. */
type WithStatus = KubeObject & { readonly status?: unknown };

/**
 * Writes statuses by compare-and-set, and knows what it wrote until the cache shows it: a decision that is made in between
 * starts from there instead of failing on the old version.
 */
export class StatusWriter<T extends WithStatus> {
  readonly #client: ApiClient;
  readonly #type: ResourceType<T>;
  /** What we wrote, by key, with the versions that it replaced. */
  readonly #written = new Map<string, { readonly over: readonly string[]; readonly object: T }>();

  constructor(client: ApiClient, type: ResourceType<T>) {
    this.#client = client;
    this.#type = type;
  }

  /** The newest version that is known: ours while the cache still has one that we replaced. */
  newest(cached: T): T {
    const key = keyOf(cached);
    const written = this.#written.get(key);
    if (written === undefined) return cached;
    if (written.over.includes(cached.metadata.resourceVersion ?? '')) return written.object;
    this.#written.delete(key);
    return cached;
  }

  /**
   * Replaces the status of the version that was read.
   * @throws ApiError Conflict when somebody has written since
   */
  async write(object: T, status: NonNullable<T['status']>, signal: AbortSignal): Promise<T> {
    const options = { subresource: 'status', fieldManager, signal } as const;
    const stored = withoutManagedFields(
      await this.#client.update(this.#type, { ...object, status }, options),
    );
    const { resourceVersion = '' } = object.metadata;
    const before = this.#written.get(keyOf(object));
    const earlier = before?.object.metadata.resourceVersion === resourceVersion ? before.over : [];
    this.#written.set(keyOf(object), { over: [...earlier, resourceVersion], object: stored });
    return stored;
  }

  forget(key: string): void {
    this.#written.delete(key);
  }
}
