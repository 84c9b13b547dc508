import { createHash } from 'node:crypto';

/** An episode read from a file, ready for `memory.put`. */
export interface ImportedEpisode {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly source: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly concepts: Readonly<Record<string, number>>;
}

/** A piece of a file that is no episode. */
export interface Broken {
  readonly file: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly reason: string;
}

/** What a reader yields: one of the two. */
export type Parsed = { readonly episode: ImportedEpisode } | { readonly broken: Broken };

/** Names content by its SHA-256 in hexadecimal, so that the same content is remembered once. */
export function contentId(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A text as a label: one line, at most 1000 characters, which keeps a handful of labels below the vault's 16 KiB. */
export function label(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 1000);
}
