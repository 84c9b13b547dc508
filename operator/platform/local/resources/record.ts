import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { canonicalJson } from '../../../api/canonical-json.js';

const recordSchema = z.object({
  kind: z.string(),
  name: z.string(),
  /** File in the resources folder that it was read from. */
  file: z.string(),
  uid: z.string(),
  creationTimestamp: z.string(),
  generation: z.number().int().positive(),
  /** The last manifest that was accepted, defaults filled: it stays in force while its file cannot be read. */
  manifest: z.record(z.string(), z.unknown()),
  status: z.record(z.string(), z.unknown()).optional(),
});

/** What the local platform remembers of a resource beside its file: the part that an API server would keep. */
export type ResourceRecord = z.output<typeof recordSchema>;

/** Records in a folder, one file a resource; each write is atomic. Only the operator writes them. */
export class ResourceRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All records that can be read; a torn file counts as absent, and the next report writes it again. */
  list(): ResourceRecord[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => {
        try {
          return [recordSchema.parse(JSON.parse(readFileSync(join(this.#folder, name), 'utf8')))];
        } catch {
          return [];
        }
      });
  }

  write(record: ResourceRecord): void {
    writeFileAtomic.sync(this.#path(record), `${JSON.stringify(record, undefined, 2)}\n`);
  }

  remove(record: Pick<ResourceRecord, 'kind' | 'name'>): void {
    rmSync(this.#path(record), { force: true });
  }

  #path({ kind, name }: Pick<ResourceRecord, 'kind' | 'name'>): string {
    return join(this.#folder, `${kind.toLowerCase()}-${name}.json`);
  }
}

/** The record of a manifest: the generation grows when the spec differs from the one that was accepted before. */
export function nextRecord(
  before: ResourceRecord | undefined,
  manifest: { readonly kind: string; readonly metadata: { readonly name: string }; readonly spec: unknown },
  file: string,
  now: Date,
): ResourceRecord {
  const same = before !== undefined && fingerprint(before.manifest['spec']) === fingerprint(manifest.spec);
  return {
    kind: manifest.kind,
    name: manifest.metadata.name,
    file,
    uid: before?.uid ?? randomUUID(),
    creationTimestamp: before?.creationTimestamp ?? now.toISOString(),
    generation: before === undefined ? 1 : before.generation + (same ? 0 : 1),
    manifest: { ...manifest },
    ...(before?.status !== undefined && { status: before.status }),
  };
}

/** A digest of a JSON value that does not depend on the order of keys. */
function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
