import { extname } from 'node:path';
import { types } from 'node:util';
import { readMarkdown, readPlainText } from './documents.js';
import type { Broken, Parsed } from './episode.js';
import type { Format } from './format.js';
import { peek, transcoded, type Input } from './input.js';
import { readChat, readEpisodes } from './jsonl.js';
import { readEml, readMbox } from './mail.js';
import { beginsAsMbox } from './mbox.js';

/** Turns one input into episodes, in its order, holding one at a time. */
type Reader = (input: Input) => AsyncIterable<Parsed>;

const readers: Readonly<Record<Format, Reader>> = {
  mbox: readMbox,
  eml: readEml,
  markdown: readMarkdown,
  text: readPlainText,
  'chat-jsonl': readChat,
  'episodes-jsonl': readEpisodes,
};

const byExtension: Readonly<Record<string, Format>> = {
  '.mbox': 'mbox',
  '.mbx': 'mbox',
  '.eml': 'eml',
  '.md': 'markdown',
  '.markdown': 'markdown',
};

/** Extensions that are looked into when a folder is walked, beside those that name a format. */
const byContent: readonly string[] = ['', '.txt', '.text', '.jsonl', '.ndjson'];

const headerLine =
  /^(?:return-path|received|from|to|subject|date|message-id|mime-version|delivered-to|x-[\w-]+):/i;

const peekedBytes = 4096;

/** Whether a file found in a folder is worth opening. A Maildir's names (`1029.M2P1.host:2,S`) count as without extension. */
export function isImportable(name: string): boolean {
  const extension = /:2,[A-Za-z]*$/.test(name) ? '' : extname(name).toLowerCase();
  return extension in byExtension || byContent.includes(extension);
}

/**
 * Reads an input in the format given, or the one that its extension or its first bytes show: a `From ` line of mbox, a
 * mail header, an object a line; everything else without NUL bytes is plain text.
 */
export async function* readInput(input: Input, wanted?: Format): AsyncGenerator<Parsed> {
  try {
    const named = wanted ?? byExtension[extname(input.name).toLowerCase()];
    const peeked = await peek(transcoded(await peek(input, 2)), peekedBytes);
    const format = named ?? formatOf(peeked.head);
    if (format === undefined) yield { broken: broken(input, 'this is not text') };
    else yield* readers[format](peeked.input);
  } catch (error) {
    if (!isFileError(error)) throw error;
    yield { broken: broken(input, error.message) };
  }
}

function formatOf(head: Buffer): Format | undefined {
  if (beginsAsMbox(head)) return 'mbox';
  const text = head.toString('latin1').trimStart();
  if (headerLine.test(text)) return 'eml';
  if (text.startsWith('{'))
    return /"concepts"\s*:/.test(text.split('\n', 1)[0] ?? '') ? 'episodes-jsonl' : 'chat-jsonl';
  return head.includes(0) ? undefined : 'text';
}

function broken(input: Input, reason: string): Broken {
  return { file: input.name, offset: 0, reason };
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return types.isNativeError(error) && 'syscall' in error;
}
