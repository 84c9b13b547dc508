import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import chokidar from 'chokidar';
import writeFileAtomic from 'write-file-atomic';
import { parseAllDocuments, stringify } from 'yaml';
import { validateManifest, type ManifestProblem, type Resource } from '../../../api/validate.js';
import type { Home } from '../home.js';
import { nextRecord, ResourceRecords, type ResourceRecord } from './record.js';

/** A resource with what the platform knows of it. */
export type StoredResource<R extends Resource = Resource> = R & {
  readonly metadata: R['metadata'] & {
    readonly uid: string;
    readonly generation: number;
    readonly creationTimestamp: string;
  };
};

/** A file, or a document in it, that cannot be used. */
export interface FileProblem {
  readonly file: string;
  readonly problems: readonly ManifestProblem[];
}

/** What the resources folder holds now. */
export interface Snapshot {
  readonly resources: readonly StoredResource[];
  readonly problems: readonly FileProblem[];
}

/** What names a resource. */
interface Identity {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** What an apply did. */
export interface Applied {
  readonly resource: Resource;
  readonly outcome: 'created' | 'configured' | 'unchanged';
  readonly file: string;
}

/**
 * Resources as YAML files that people may edit, in the place of an API server.
 *
 * The file holds what a person wants; a record beside it (see {@link ResourceRecord}) holds generation and status. A file
 * that cannot be read or is refused leaves the last accepted manifest in force, and says so in `problems`.
 */
export class ResourceStore {
  readonly #home: Home;
  readonly #records: ResourceRecords;
  readonly #now: () => Date;

  constructor(home: Home, now: () => Date = () => new Date()) {
    this.#home = home;
    this.#records = new ResourceRecords(home.status);
    this.#now = now;
  }

  /** Reads every file. Changes nothing. */
  read(): Snapshot {
    const records = new Map(this.#records.list().map((record) => [keyOf(record.kind, record.name), record]));
    const resources = new Map<string, StoredResource>();
    const problems: FileProblem[] = [];
    const broken = new Set<string>();
    for (const file of this.#files()) {
      for (const parsed of parseFile(join(this.#home.resources, file))) {
        if ('problems' in parsed) {
          problems.push({ file, problems: parsed.problems });
          broken.add(file);
        } else {
          const key = keyOf(parsed.kind, parsed.metadata.name);
          const record = nextRecord(records.get(key), parsed, file, this.#now());
          resources.set(key, stored(record));
        }
      }
    }
    for (const [key, record] of records) {
      if (!resources.has(key) && broken.has(record.file)) resources.set(key, stored(record));
    }
    return { resources: [...resources.values()], problems };
  }

  /** Writes a status with the spec that it is about. The operator alone calls this. */
  writeStatus(resource: StoredResource, status: unknown): void {
    const before = this.#records
      .list()
      .find((record) => record.kind === resource.kind && record.name === resource.metadata.name);
    const file = before?.file ?? this.#newFileOf(resource.kind, resource.metadata.name);
    const { uid, generation, creationTimestamp, ...metadata } = resource.metadata;
    const { apiVersion, kind, spec } = resource;
    this.#records.write({
      kind,
      name: metadata.name,
      file: this.fileOf(resource) ?? file,
      uid,
      generation,
      creationTimestamp,
      manifest: { apiVersion, kind, metadata, spec },
      status: status as Record<string, unknown>,
    });
  }

  /** Forgets the record of a resource whose file is gone. */
  forget(kind: string, name: string): void {
    this.#records.remove({ kind, name });
  }

  /** Records whose resource is no longer in any file. */
  orphans(snapshot: Snapshot): ResourceRecord[] {
    const present = new Set(
      snapshot.resources.map((resource) => keyOf(resource.kind, resource.metadata.name)),
    );
    return this.#records.list().filter((record) => !present.has(keyOf(record.kind, record.name)));
  }

  /** Writes a validated manifest as a person would: into the file that holds it, or a new one named after it. */
  apply(resource: Resource, manifest: unknown): Applied {
    const { kind, metadata } = resource;
    const current = this.read().resources.find(
      (one) => one.kind === kind && one.metadata.name === metadata.name,
    );
    const record =
      current && this.#records.list().find((one) => keyOf(one.kind, one.name) === keyOf(kind, metadata.name));
    const next = nextRecord(record, resource, '', this.#now());
    const file = this.fileOf(resource) ?? this.#newFileOf(kind, metadata.name);
    if (current !== undefined && record?.generation === next.generation)
      return { resource, outcome: 'unchanged', file };
    this.#writeDocument(file, resource, manifest);
    return { resource, outcome: current === undefined ? 'created' : 'configured', file };
  }

  /** Deletes the file of a resource (or its document, where a file holds several). */
  delete(kind: string, name: string): boolean {
    const file = this.fileOf({ kind, metadata: { name } });
    if (file === undefined) return false;
    this.#writeDocument(file, { kind, metadata: { name } }, undefined);
    return true;
  }

  /** Calls back after every change in the folder, until the signal aborts. */
  watch(signal: AbortSignal, onChange: () => void): void {
    const watcher = chokidar.watch(this.#home.resources, {
      ignoreInitial: true,
      awaitWriteFinish: { stabilityThreshold: 100, pollInterval: 50 },
    });
    watcher.on('all', onChange);
    signal.addEventListener('abort', () => void watcher.close(), { once: true });
  }

  #files(): string[] {
    if (!existsSync(this.#home.resources)) return [];
    return readdirSync(this.#home.resources)
      .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
      .sort();
  }

  #newFileOf(kind: string, name: string): string {
    return `${kind.toLowerCase()}-${name}.yaml`;
  }

  /** The file, in the resources folder, that holds a resource. */
  fileOf(wanted: Identity): string | undefined {
    return this.#files().find((file) =>
      documentsOf(join(this.#home.resources, file)).some((document) => isManifestOf(document.toJS(), wanted)),
    );
  }

  /** A manifest as its file has it, without defaults; undefined when no file holds it. */
  manifestOf(wanted: Identity): unknown {
    const file = this.fileOf(wanted);
    if (file === undefined) return undefined;
    return documentsOf(join(this.#home.resources, file))
      .map((document): unknown => document.toJS())
      .find((manifest) => isManifestOf(manifest, wanted));
  }

  /** Replaces (or, without a manifest, removes) one document of a file and leaves the others as they were written. */
  #writeDocument(file: string, wanted: Identity, manifest: unknown): void {
    const path = join(this.#home.resources, file);
    const others = existsSync(path)
      ? documentsOf(path).filter((document) => !isManifestOf(document.toJS(), wanted))
      : [];
    const texts = others.map((document) => document.toString());
    if (manifest !== undefined) texts.push(stringify(manifest, { version: '1.1' }));
    if (texts.length === 0) rmSync(path, { force: true });
    else writeFileAtomic.sync(path, texts.map((text) => text.replace(/^---\n/, '')).join('---\n'));
  }
}

function keyOf(kind: string, name: string): string {
  return `${kind}/${name}`;
}

function stored(record: ResourceRecord): StoredResource {
  const manifest = record.manifest as unknown as Resource;
  const { uid, generation, creationTimestamp, status } = record;
  return {
    ...manifest,
    metadata: { ...manifest.metadata, uid, generation, creationTimestamp },
    ...(status !== undefined && { status }),
  } as StoredResource;
}

function documentsOf(path: string) {
  const documents = parseAllDocuments(readFileSync(path, 'utf8'));
  return 'empty' in documents ? [] : documents.filter((document) => document.contents !== null);
}

function parseFile(path: string): (Resource | { readonly problems: readonly ManifestProblem[] })[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return documentsOf(path).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const [reason = error.message] = error.message.split('\n');
      const line = error.linePos?.[0].line ?? 1;
      return {
        problems: [
          { path: `line ${line}`, value: lines[line - 1] ?? '', reason: `not valid YAML: ${reason}` },
        ],
      };
    }
    const result = validateManifest(document.toJS());
    return result.ok ? result.resource : { problems: result.problems };
  });
}

function isManifestOf(manifest: unknown, wanted: Identity): boolean {
  const candidate = manifest as { kind?: unknown; metadata?: { name?: unknown } } | null;
  return candidate?.kind === wanted.kind && candidate.metadata?.name === wanted.metadata.name;
}
