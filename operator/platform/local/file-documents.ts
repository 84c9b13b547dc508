import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { DocumentName, KeptDocuments } from '../../tracks/kept-documents.js';

/** Documents as JSON files of a folder. */
export class FileDocuments implements KeptDocuments {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(name: DocumentName): Promise<string | undefined> {
    return readFile(this.#fileOf(name), 'utf8').catch(() => undefined);
  }

  async write(name: DocumentName, text: string): Promise<void> {
    await writeFileAtomic(this.#fileOf(name), text);
  }

  async remove(...names: readonly DocumentName[]): Promise<void> {
    for (const name of names) await rm(this.#fileOf(name), { force: true });
  }

  #fileOf(name: DocumentName): string {
    return join(this.#folder, `${name}.json`);
  }
}
