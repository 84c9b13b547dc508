import { z } from 'zod';
import { conceptsOf } from '../../services/common/text/concepts.js';
import { contentId, type Parsed } from './episode.js';
import type { Input } from './input.js';
import { linesOf } from './lines.js';

const maxLineBytes = 16 * 1024 * 1024;

const common = {
  id: z.union([z.string().min(1), z.number().transform(String)]).optional(),
  /** Milliseconds since the Unix epoch, or an ISO 8601 date. */
  time: z
    .union([z.number(), z.string().transform((text) => Date.parse(text))])
    .refine((time) => Number.isFinite(time), 'expected milliseconds since 1970 or an ISO 8601 date')
    .optional(),
  source: z.string().default(''),
  meta: z.record(z.string(), z.string()).default({}),
};

const chatLine = z.object({ ...common, text: z.string() }).transform(({ text, ...rest }) => ({
  ...rest,
  concepts: Object.fromEntries(conceptsOf(text)),
}));

const episodeLine = z.object({ ...common, concepts: z.record(z.string(), z.number().positive()) });

type LineSchema = typeof chatLine | typeof episodeLine;
type IdentifiedLine = z.output<LineSchema> & { readonly id: string };

/** Reads lines `{"id", "time", "text"}`: each message is an episode. */
export function readChat(input: Input): AsyncGenerator<Parsed> {
  return readRecords(input, chatLine);
}

/** Reads lines `{"id", "time", "concepts": {name: activation}}`, as they are. */
export function readEpisodes(input: Input): AsyncGenerator<Parsed> {
  return readRecords(input, episodeLine);
}

/** A line without id is named by its hash, one without time has the file's; a wrong line is broken. */
async function* readRecords(input: Input, schema: LineSchema): AsyncGenerator<Parsed> {
  for await (const { offset, text } of linesOf(input.chunks, maxLineBytes)) {
    if (text?.trim() === '') continue;
    const parsed = parseLine(text, schema);
    if ('reason' in parsed) yield { broken: { file: input.name, offset, reason: parsed.reason } };
    else yield { episode: { ...parsed, time: parsed.time ?? input.modified } };
  }
}

/** The record of a line, or what is wrong with it. */
function parseLine(
  text: string | undefined,
  schema: LineSchema,
): IdentifiedLine | { readonly reason: string } {
  if (text === undefined) return { reason: `the line is longer than ${maxLineBytes} bytes` };
  const { data, error } = schema.safeParse(jsonOf(text));
  if (error !== undefined) {
    return {
      reason: error.issues.map(({ path, message }) => `${path.join('.') || 'line'}: ${message}`).join('; '),
    };
  }
  if (Object.keys(data.concepts).length === 0) return { reason: 'the line has no concepts' };
  return { ...data, id: data.id ?? contentId(text) };
}

/** The value of a JSON text; undefined, which no schema accepts, when it is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
