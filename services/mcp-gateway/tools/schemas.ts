import { z } from 'zod';
import type { JobOutcome, TrackFailure } from '../../../lib/mcpClient/tools.js';

/** Zod and protobuf lose a key of this name without a word, so it is refused with one. */
const lostKey = '__proto__';

function withoutLostKey(value: unknown, context: z.RefinementCtx): unknown {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, lostKey)) {
    context.addIssue({ code: 'custom', path: [lostKey], message: `expected a name other than ${lostKey}` });
  }
  return value;
}

/** The tenant of a request. */
export const tenant = z
  .string()
  .optional()
  .describe('Whose memory: 1 to 63 characters of a-z, 0-9 and "-". Default: "default".');

/** An episode's id. */
export const episodeId = z.string().min(1).describe('Id of the episode.');

/** Activations by concept name, as a request gives them. */
export const concepts = z
  .preprocess(withoutLostKey, z.record(z.string(), z.number().positive()))
  .describe('Activation of each concept by name; above 0.');

/** Labels of an episode. */
export const meta = z
  .preprocess(withoutLostKey, z.record(z.string(), z.string()))
  .describe('Free-form labels, at most 64 and 16 KiB together.');

/** A partial memory: names alone count 1 each. */
export const cue = {
  concepts: z
    .union([z.array(z.string()), concepts], { error: 'expected names, or {name: activation}' })
    .optional()
    .describe('Concepts to start from: names, or {name: activation}. Give this or text.'),
  text: z
    .string()
    .optional()
    .describe('Text to start from; its content words are the concepts. Give this or concepts.'),
};

/** The track that served. */
export const track = z.enum(['stable', 'canary']);

/** Tracks that could not take part. */
export const failures: z.ZodType<readonly TrackFailure[]> = z.array(
  z.object({ track, code: z.string(), message: z.string() }),
);

/** How a job ended. */
export const outcome: z.ZodType<JobOutcome> = z.enum(['succeeded', 'cancelled', 'failed']);
