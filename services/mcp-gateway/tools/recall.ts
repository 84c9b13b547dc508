import pLimit from 'p-limit';
import { z } from 'zod';
import type { Cue, RecallArguments, RecallResult } from '../../../lib/mcpClient/tools.js';
import { invalidArgument } from '../../common/errors.js';
import { tenantOf } from '../../common/tenant.js';
import { conceptsOf } from '../../common/text/concepts.js';
import { conceptMap } from '../episodes/blob.js';
import type { Recalled } from '../recall/recall.js';
import type { RequestContext } from '../routing/router.js';
import * as schemas from './schemas.js';
import { gather, requestContext, type Answer, type Memory, type Tool } from './tool.js';

const defaultLimit = 10;
const maxCues = 1_000;
/** Cues of a batch that are worked on at once. */
const concurrentCues = 8;

const completed = z
  .array(z.object({ concept: z.string(), score: z.number() }))
  .describe('Concepts that the memory adds to the cue, strongest first; scores are log-odds.');

/** `memory.recall`. */
export const recall: Tool<'memory.recall'> = {
  name: 'memory.recall',
  title: 'Recall memories',
  description:
    'Recall (search, retrieve, find, remember) from long-term memory: give a few concepts or a text and get the concepts that ' +
    'belong to them and the stored episodes that match best. Use `cues` to ask many at once.',
  annotations: { readOnlyHint: true, openWorldHint: false },
  arguments: z.strictObject({
    ...schemas.cue,
    cues: z
      .array(z.strictObject({ id: z.string(), ...schemas.cue }))
      .min(1)
      .max(maxCues)
      .optional()
      .describe('Many cues, answered in their order in `answers`; instead of concepts or text.'),
    k: z.int().min(1).max(1_000).optional().describe('How many concepts and episodes. Default: 10.'),
    tenant: schemas.tenant,
  }),
  result: z.object({
    completed,
    episodes: z
      .array(
        z.object({
          id: z.string(),
          score: z.number(),
          time: z.int(),
          source: z.string(),
          meta: z.record(z.string(), z.string()),
          track: schemas.track,
        }),
      )
      .describe('Best first. Scores compare within one track only.'),
    answers: z
      .array(
        z.object({
          id: z.string(),
          results: z.array(z.object({ id: z.string(), score: z.number() })),
          completed,
        }),
      )
      .optional(),
    failures: schemas.failures,
  }),
  async run(args, context, memory) {
    const request = requestContext(context, tenantOf({ tenant: args.tenant ?? '' }));
    if (args.cues !== undefined) return recallBatch(args, args.cues, memory, request);
    const cue = cueOf(args, '');
    const recalled = await memory.recall.recall(
      { cue, limit: args.k ?? defaultLimit, withEpisodes: true },
      request,
    );
    const { failures, served } = gather(recalled.outcomes);
    return { result: { completed: recalled.completed, episodes: episodesOf(recalled), failures }, served };
  },
};

async function recallBatch(
  args: RecallArguments,
  cues: NonNullable<RecallArguments['cues']>,
  memory: Memory,
  request: RequestContext,
): Promise<Answer<RecallResult>> {
  if (args.concepts !== undefined || args.text !== undefined) {
    throw invalidArgument('cues', `${cues.length} cues`, 'no concepts or text beside them');
  }
  const limit = args.k ?? defaultLimit;
  // All cues are read before the first is asked, so that a wrong one costs nothing.
  const parsed = cues.map((cue, k) => cueOf(cue, `cues[${k}].`));
  const recalls = await pLimit(concurrentCues).map(parsed, (cue) =>
    memory.recall.recall({ cue, limit, withEpisodes: false }, request),
  );
  const answers = recalls.map(({ hits, completed: concepts }, k) => ({
    id: cues[k]!.id,
    results: hits.map(({ id, score }) => ({ id, score })),
    completed: concepts,
  }));
  const { failures, served } = gather(recalls.flatMap(({ outcomes }) => outcomes));
  const failed = new Map(failures.map((failure) => [`${failure.track} ${failure.code}`, failure]));
  return { result: { completed: [], episodes: [], answers, failures: [...failed.values()] }, served };
}

/** A cue's concepts with their weights; names alone weigh 1 each. */
function cueOf({ concepts, text }: Cue, field: string): ReadonlyMap<string, number> {
  if ((concepts === undefined) === (text === undefined)) {
    const given = concepts === undefined ? 'neither' : 'both';
    throw invalidArgument(`${field}concepts, ${field}text`, given, 'exactly one of the two');
  }
  if (text !== undefined) {
    const found = conceptsOf(text);
    if (found.size === 0) throw invalidArgument(`${field}text`, text, 'text with at least one content word');
    return found;
  }
  if (!isNames(concepts)) return conceptMap(concepts!, `${field}concepts`);
  if (concepts.length === 0) throw invalidArgument(`${field}concepts`, '[]', 'at least one concept');
  return new Map(concepts.map((name) => [name, 1]));
}

function isNames(concepts: Cue['concepts']): concepts is readonly string[] {
  return Array.isArray(concepts);
}

function episodesOf({ hits }: Recalled): RecallResult['episodes'] {
  return hits.flatMap(({ id, score, track, found }) => {
    if (found === undefined) return [];
    const { timeUnixMs, source, meta } = found.episode;
    return [{ id, score, time: timeUnixMs, source, meta, track }];
  });
}
