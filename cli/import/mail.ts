import { isUtf8 } from 'node:buffer';
import { compile } from 'html-to-text';
import PostalMime, { type Email } from 'postal-mime';
import { conceptsOf, maxTextLength } from '../../services/common/text/concepts.js';
import { contentId, label, type ImportedEpisode, type Parsed } from './episode.js';
import { readAll, type Input } from './input.js';
import { decodeText } from './lines.js';
import { splitMbox } from './mbox.js';

/** Mail is cut there: what it says stands before its attachments. */
const maxMessageBytes = 32 * 1024 * 1024;

const dayMs = 86_400_000;

/** What was undecodable: bytes above 127 of a part that names no encoding. */
const replacement = '\uFFFD';

/** Header fields of which mail has at least one; other text can begin with `word: text` too. */
const mailHeaders: readonly string[] = [
  'from',
  'to',
  'subject',
  'date',
  'message-id',
  'received',
  'return-path',
];

const htmlToText = compile({
  wordwrap: false,
  limits: { maxDepth: 100 },
  selectors: [
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'img', format: 'skip' },
    { selector: 'td', format: 'block' },
    { selector: 'th', format: 'block' },
  ],
});

/** Where a message stands. */
export interface Place {
  readonly file: string;
  readonly offset: number;
  /** Time of a message that tells none, in milliseconds. */
  readonly modified: number;
}

/** Reads every message of an mbox. */
export async function* readMbox(input: Input): AsyncGenerator<Parsed> {
  for await (const { offset, raw } of splitMbox(input.chunks, maxMessageBytes)) {
    yield await parseMail(raw, { file: input.name, offset, modified: input.modified });
  }
}

/** Reads one message. */
export async function* readEml(input: Input): AsyncGenerator<Parsed> {
  const raw = await readAll(input, maxMessageBytes);
  yield await parseMail(raw, { file: input.name, offset: 0, modified: input.modified });
}

/**
 * The episode of one message: concepts of its subject and of what its sender wrote, without quoted lines and signature
 * where anything else remains. The id is the Message-ID, or a hash of the message when it has none. A message that
 * cannot be understood comes back as broken, never as an exception.
 */
export async function parseMail(raw: Buffer, place: Place): Promise<Parsed> {
  const broken = (reason: string): Parsed => ({ broken: { file: place.file, offset: place.offset, reason } });
  let email: Email;
  try {
    email = await decodeMail(raw);
  } catch (error) {
    return broken(`not a mail message: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!email.headers.some(({ key }) => mailHeaders.includes(key))) {
    return broken('not a mail message: it has no header');
  }
  const concepts = conceptsOf(`${baseSubject(email.subject ?? '')}\n${ownWords(bodyOf(email))}`);
  if (concepts.size === 0) return broken('the message has no words');
  return { episode: { ...about(email, raw, place), concepts: Object.fromEntries(concepts) } };
}

/** Decodes MIME; a field in which bytes of no named encoding were lost is decoded again as windows-1252. */
async function decodeMail(raw: Buffer): Promise<Email> {
  const email = await PostalMime.parse(raw);
  const fields = [email.subject, email.text, email.html];
  if (isUtf8(raw) || !fields.some((field) => field?.includes(replacement))) return email;
  const again = await PostalMime.parse(decodeText(raw));
  const repaired = (one: string | undefined, other: string | undefined): string | undefined =>
    one?.includes(replacement) === true ? other : one;
  return {
    ...email,
    subject: repaired(email.subject, again.subject),
    text: repaired(email.text, again.text),
    html: repaired(email.html, again.html),
  };
}

function bodyOf({ text, html }: Email): string {
  if (text !== undefined && text.trim() !== '') return text;
  const markup = (html ?? '').slice(0, maxTextLength);
  try {
    return htmlToText(markup);
  } catch {
    // Nested deeper than the parser's stack: the words are still there.
    return markup.replace(/<[^>]{0,1000}>/g, ' ');
  }
}

/** Subject without reply and forward marks (RFC 5256, section 2.1). */
function baseSubject(subject: string): string {
  return subject.replace(/^(?:\s*(?:re|fwd?|aw|wg|sv)(?:\[\d+\])?:)+/i, '');
}

/**
 * The body without quoted lines, the line that introduces them ("On Monday, Ann wrote:") and the signature after `-- `
 * (RFC 3676, sections 4.3 and 4.5).
 */
function ownWords(body: string): string {
  const unsigned = body.split(/^-- ?\r?$/m, 1)[0] ?? '';
  const own = unsigned
    .replace(/^(?:On .*\n)?.*:[ \t\r]*\n(?:[ \t\r]*\n)?(?=[ \t]*>)/gm, '')
    .replace(/^[ \t]*>.*$/gm, '');
  return own.trim() === '' ? body : own;
}

function about(email: Email, raw: Buffer, place: Place): Omit<ImportedEpisode, 'concepts'> {
  const labels: Readonly<Record<string, string | undefined>> = {
    subject: email.subject,
    from: addressText(email.from),
    to: email.to?.map(addressText).join(', '),
    list: headerOf(email, 'list-id'),
  };
  return {
    id: messageId(email) ?? contentId(raw),
    time: timeOf(email) ?? place.modified,
    source: label(email.from?.address ?? ''),
    meta: Object.fromEntries(
      Object.entries(labels)
        .map(([name, text]) => [name, label(text ?? '')] as const)
        .filter(([, text]) => text !== ''),
    ),
  };
}

function messageId(email: Email): string | undefined {
  const id = email.messageId?.trim().replace(/^<(.*)>$/s, '$1') ?? '';
  const usable = id !== '' && Buffer.byteLength(id) <= 256 && !/\p{Cc}/u.test(id);
  return usable ? id : undefined;
}

/**
 * When it was sent: the Date header, or where that is missing or impossible (before 1970, after tomorrow) the time at
 * which the last server received it.
 */
function timeOf(email: Email): number | undefined {
  const received = headerOf(email, 'received')?.split(';').at(-1);
  return [email.date, received]
    .map((text) => parseDate(text ?? ''))
    .find((time) => time > 0 && time < Date.now() + dayMs);
}

/** Milliseconds, or NaN. A year of three digits counts from 1900 (RFC 5322, section 4.3). */
function parseDate(text: string): number {
  const time = Date.parse(text);
  const date = new Date(time);
  const year = date.getUTCFullYear();
  return year >= 100 && year < 1000 ? date.setUTCFullYear(year + 1900) : time;
}

function headerOf(email: Email, name: string): string | undefined {
  return email.headers.find(({ key }) => key === name)?.value;
}

function addressText(address: Email['from']): string {
  if (address === undefined) return '';
  return address.name === '' ? (address.address ?? '') : `${address.name} <${address.address ?? ''}>`;
}
