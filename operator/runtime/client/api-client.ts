import { systemClock, type Clock } from '../clock/clock.js';
import { createRuntimeMetrics, type RuntimeMetrics } from '../metrics.js';
import type { Connection } from './connection.js';
import { isExpired, isNotFound, ProtocolError } from './errors.js';
import type { KubeObject, ObjectRef } from './objects.js';
import { collectionPath, objectPath, type ResourceType } from './resource-type.js';
import { defaultRetryPolicy, type RetryPolicy } from './retry.js';
import { connectionError, Transport, type ApiRequest } from './transport.js';
import { lines, parseWatchEvent, type WatchEvent } from './watch.js';

/** What a client is made of. */
export interface ApiClientOptions {
  readonly connection: Connection;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  readonly metrics?: RuntimeMetrics;
  readonly retry?: RetryPolicy;
  /** For one attempt, in milliseconds. */
  readonly timeoutMs?: number;
  /** Most connections for requests that end. */
  readonly connections?: number;
  /** `User-Agent`; shown in audit logs. */
  readonly userAgent?: string;
  /** Asked before each attempt of a request; what it throws, the call throws. */
  readonly permit?: () => void;
}

/** Options of every call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Which objects of a kind. */
export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  /** `app=vault,track!=canary`. */
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, Selection {
  readonly pageSize?: number;
}

/** A part of a list. */
export interface Page<T extends KubeObject> {
  readonly items: readonly T[];
  /** Of the whole list: where a watch goes on. */
  readonly resourceVersion: string;
  /** The list begins (anew) with this page: forget the pages before it. */
  readonly first: boolean;
}

/** Options of calls that write. */
export interface WriteOptions extends CallOptions {
  readonly subresource?: 'status' | 'scale';
  /** Checked and answered as if done, but not stored. */
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  /**
   * What becomes of fields that the API server does not know: warned of unless set. Objects made from types of their own have
   * none, and `Ignore` spares the API server a second reading of each apply.
   */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Takes fields over from other managers. Default true: what a controller applies, it means. */
  readonly force?: boolean;
}

export interface PatchOptions extends WriteOptions {
  readonly type: 'merge' | 'json';
}

export interface DeleteOptions extends CallOptions {
  /** Deletes only this very object, not one that took its name. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** The server ends the watch after it. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

interface ListBody {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[] | null;
}

/** Where a page begins. */
interface Cursor {
  /** Objects a page; 0: all. */
  readonly limit: number;
  /** Of the page before; empty for the first one. */
  readonly token: string;
}

const defaultPageSize = 500;

/**
 * A client of the API server. Every call fails with ApiError (the server said no), ConnectionError (no answer),
 * ProtocolError (an answer that makes no sense), or the reason of its signal.
 */
export class ApiClient {
  readonly connection: Connection;
  readonly #options: ApiClientOptions;
  readonly #transport: Transport;

  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.connection = options.connection;
    this.#transport = new Transport({
      connection: options.connection,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      metrics: options.metrics ?? createRuntimeMetrics(),
      retry: options.retry ?? defaultRetryPolicy,
      timeoutMs: options.timeoutMs ?? 30_000,
      connections: options.connections ?? 16,
      userAgent: options.userAgent ?? 'typescript-controller-runtime',
      permit: options.permit,
    });
  }

  /** Such a client with connections of its own, whose requests are sent only while they are permitted. */
  permittedBy(permit: () => void): ApiClient {
    return new ApiClient({ ...this.#options, permit });
  }

  /** One object. */
  async get<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<T> {
    return this.#object<T>({
      method: 'GET',
      verb: 'get',
      path: objectPath(type, ref),
      accept: acceptOf(type, 'PartialObjectMetadata'),
      idempotent: true,
      signal: options.signal,
    });
  }

  /** One object; undefined when it is not there. */
  async find<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    try {
      return await this.get(type, ref, options);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** All selected objects, read in pages. */
  async list<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions = {},
  ): Promise<Pick<Page<T>, 'items' | 'resourceVersion'>> {
    let items: T[] = [];
    let resourceVersion = '';
    for await (const page of this.pages(type, options)) {
      items = page.first ? [...page.items] : items.concat(page.items);
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  /**
   * The selected objects page by page, all as of one moment. When the server forgets that moment between two pages, the
   * list begins again, in one piece.
   */
  async *pages<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions = {},
  ): AsyncGenerator<Page<T>> {
    let cursor: Cursor = { limit: options.pageSize ?? defaultPageSize, token: '' };
    for (;;) {
      const [body, first] = await this.#pageOrAnew(type, options, cursor);
      yield {
        items: (body.items ?? []).map((item) => complete(item as T, type)),
        resourceVersion: body.metadata?.resourceVersion ?? '',
        first,
      };
      cursor = { limit: cursor.limit, token: body.metadata?.continue ?? '' };
      if (cursor.token === '') return;
    }
  }

  /** Makes an object; fails with AlreadyExists when the name is taken. */
  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#object<T>({
      method: 'POST',
      verb: 'create',
      path: collectionPath(type, object.metadata.namespace),
      query: writeQuery(options),
      body: complete(object, type),
      idempotent: false,
      signal: options.signal,
    });
  }

  /**
   * Server-side apply: the object's fields become ours, everything else stays as it is. Makes it when it is absent. With
   * metadataOnly (see `metadataOf`) only metadata comes back.
   */
  async apply<T extends KubeObject>(type: ResourceType<T>, object: T, options: ApplyOptions): Promise<T> {
    const query = writeQuery(options);
    query.set('force', String(options.force ?? true));
    return this.#object<T>({
      method: 'PATCH',
      verb: 'apply',
      path: objectPath(type, object.metadata, options.subresource),
      query,
      body: complete(object, type),
      // JSON is YAML.
      contentType: 'application/apply-patch+yaml',
      accept: acceptOf(type, 'PartialObjectMetadata'),
      idempotent: true,
      signal: options.signal,
    });
  }

  /** Replaces an object; with `metadata.resourceVersion` only if nobody wrote since (Conflict otherwise). */
  async update<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#object<T>({
      method: 'PUT',
      verb: 'update',
      path: objectPath(type, object.metadata, options.subresource),
      query: writeQuery(options),
      body: complete(object, type),
      idempotent: false,
      signal: options.signal,
    });
  }

  /** Changes parts of an object. A merge patch is sent again after a broken connection, a JSON patch is not. */
  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: object,
    options: PatchOptions,
  ): Promise<T> {
    return this.#object<T>({
      method: 'PATCH',
      verb: 'patch',
      path: objectPath(type, ref, options.subresource),
      query: writeQuery(options),
      body: patch,
      contentType: options.type === 'merge' ? 'application/merge-patch+json' : 'application/json-patch+json',
      accept: acceptOf(type, 'PartialObjectMetadata'),
      idempotent: options.type === 'merge',
      signal: options.signal,
    });
  }

  /** Deletes an object. Resolves to false when it was not there. */
  async delete(type: ResourceType, ref: ObjectRef, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, resourceVersion, propagation, gracePeriodSeconds } = options;
    const preconditions = { uid, resourceVersion };
    try {
      await this.#transport.send({
        method: 'DELETE',
        verb: 'delete',
        path: objectPath(type, ref),
        body: {
          kind: 'DeleteOptions',
          apiVersion: 'v1',
          propagationPolicy: propagation ?? 'Background',
          gracePeriodSeconds,
          preconditions,
        },
        // Without the uid, a second try might hit an object that was made in between.
        idempotent: uid !== undefined,
        signal: options.signal,
      });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /**
   * Follows changes after a resource version, until the server ends the watch (the iteration ends), the watch breaks
   * (it throws), or the signal aborts (it throws the reason). An expired version is an ApiError with status 410.
   */
  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const query = selectionQuery(options);
    query.set('watch', 'true');
    query.set('allowWatchBookmarks', 'true');
    query.set('resourceVersion', options.resourceVersion);
    query.set('timeoutSeconds', String(options.timeoutSeconds));
    const request: ApiRequest = {
      method: 'GET',
      verb: 'watch',
      path: collectionPath(type, options.namespace),
      query,
      accept: acceptOf(type, 'PartialObjectMetadata'),
      idempotent: true,
      signal: options.signal,
    };
    const source = lines(await this.#transport.open(request));
    try {
      for (;;) {
        const line = await nextLine(source, request);
        if (line === undefined) return;
        const event = parseWatchEvent<T>(line, `watch ${request.path}`);
        yield event.type === 'BOOKMARK' ? event : { ...event, object: complete(event.object, type) };
      }
    } finally {
      await source.return(undefined).catch(() => undefined);
    }
  }

  /** Asks for anything else that answers in JSON: discovery, version, metrics of other servers. */
  async raw(path: string, options: CallOptions & { readonly accept?: string } = {}): Promise<unknown> {
    return this.#transport.send({
      method: 'GET',
      verb: 'get',
      path,
      ...(options.accept === undefined ? {} : { accept: options.accept }),
      idempotent: true,
      signal: options.signal,
    });
  }

  /** Whether the API server serves a kind at this version; false as well while its API group is absent. */
  async serves(type: ResourceType, options: CallOptions = {}): Promise<boolean> {
    const root = type.apiVersion.includes('/') ? `/apis/${type.apiVersion}` : `/api/${type.apiVersion}`;
    try {
      const { resources } = (await this.raw(root, options)) as { resources?: readonly { name: string }[] };
      return resources?.some(({ name }) => name === type.plural) ?? false;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #object<T extends KubeObject>(request: ApiRequest): Promise<T> {
    const answer = await this.#transport.send(request);
    if (typeof answer === 'object' && answer !== null && 'metadata' in answer) return answer as T;
    throw new ProtocolError(`${request.verb} ${request.path}: the answer is no object of the API`);
  }

  /** The next page; or the whole list with `true` when the server no longer knows where the next page begins. */
  async #pageOrAnew(type: ResourceType, options: ListOptions, cursor: Cursor): Promise<[ListBody, boolean]> {
    try {
      return [await this.#page(type, options, cursor), cursor.token === ''];
    } catch (error) {
      if (cursor.token === '' || !isExpired(error)) throw error;
      return [await this.#page(type, options, { limit: 0, token: '' }), true];
    }
  }

  async #page(type: ResourceType, options: ListOptions, { limit, token }: Cursor): Promise<ListBody> {
    const query = selectionQuery(options);
    if (limit > 0) query.set('limit', String(limit));
    if (token !== '') query.set('continue', token);
    const answer = await this.#transport.send({
      method: 'GET',
      verb: 'list',
      path: collectionPath(type, options.namespace),
      query,
      accept: acceptOf(type, 'PartialObjectMetadataList'),
      idempotent: true,
      signal: options.signal,
    });
    return answer as ListBody;
  }
}

/** The next line; undefined at the end. Failures of the connection are told apart from all others here. */
async function nextLine(
  source: AsyncGenerator<string, void>,
  request: ApiRequest,
): Promise<string | undefined> {
  try {
    const next = await source.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    throw connectionError(request, error);
  }
}

function selectionQuery({ labelSelector, fieldSelector }: Selection): URLSearchParams {
  const query = new URLSearchParams();
  if (labelSelector !== undefined) query.set('labelSelector', labelSelector);
  if (fieldSelector !== undefined) query.set('fieldSelector', fieldSelector);
  return query;
}

function writeQuery({ dryRun, fieldManager, fieldValidation }: WriteOptions): URLSearchParams {
  const query = new URLSearchParams();
  if (dryRun === true) query.set('dryRun', 'All');
  if (fieldManager !== undefined) query.set('fieldManager', fieldManager);
  if (fieldValidation !== undefined) query.set('fieldValidation', fieldValidation);
  return query;
}

function acceptOf(type: ResourceType, kind: string): string {
  return type.metadataOnly === true ? `application/json;as=${kind};g=meta.k8s.io;v=v1` : 'application/json';
}

/** Items of lists lack the kind, and metadata alone names itself as such; every object gets the kind it is of. */
function complete<T extends KubeObject>(object: T, { apiVersion, kind }: ResourceType): T {
  return object.apiVersion === apiVersion && object.kind === kind ? object : { ...object, apiVersion, kind };
}
