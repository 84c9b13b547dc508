import { z } from 'zod';
import type { PutArguments } from '../../../lib/mcpClient/tools.js';
import { invalidArgument } from '../../common/errors.js';
import { tenantOf } from '../../common/tenant.js';
import { parseBlob, type ParsedBlob } from '../episodes/blob.js';
import { contentDigest, type EpisodeContent } from '../episodes/episode.js';
import { settings, type Put } from '../episodes/store.js';
import type { RequestContext, Router } from '../routing/router.js';
import * as schemas from './schemas.js';
import { requestContext, type Tool } from './tool.js';

/** `memory.put`. */
export const put: Tool<'memory.put'> = {
  name: 'memory.put',
  title: 'Store a memory',
  description:
    'Store (remember, save, add) one episode in long-term memory. Give text, or concepts with activations. Returns once the ' +
    'episode is durably on disk. Storing the same content or the same id again changes nothing.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  arguments: z.strictObject({
    episodeBlob: z
      .union([z.string().min(1), z.strictObject({ concepts: schemas.concepts })], {
        error:
          'expected exactly one of text, base64 of an Episode message, or {"concepts": {name: activation}}',
      })
      .describe(
        'Exactly one of: text; {"concepts": {name: activation}}; base64 of a tori.memory.v1.Episode message whose concept ids ' +
          "are those of the stable vault's dictionary (id, time, source and meta of the message are used where not given here).",
      ),
    meta: schemas.meta.optional(),
    id: schemas.episodeId.optional().describe('Id of the episode. Default: a hash of its content.'),
    time: z
      .union([z.int(), z.iso.datetime({ offset: true }), z.iso.date()], {
        error: 'expected whole milliseconds since the Unix epoch, or an ISO 8601 date',
      })
      .optional()
      .describe('When it happened: milliseconds since the Unix epoch, or an ISO 8601 date. Default: now.'),
    source: z.string().optional().describe('Where it came from, for example a file or an agent.'),
    tenant: schemas.tenant,
    shardKey: z.string().optional().describe('Decides the track where routing.key is shardKey.'),
  }),
  result: z.object({
    episodeId: z.string(),
    shard: z.int().min(0).max(9999),
    track: schemas.track,
    duplicate: z.boolean().describe('True when the same content was already there.'),
    sequence: z.int(),
  }),
  async run(args, context, memory) {
    const request = requestContext(context, tenantOf({ tenant: args.tenant ?? '' }));
    const episode = await episodeToPut(args, memory.router, request);
    const stored = await memory.store.put(episode, request);
    // Not awaited, and not the caller's to cancel: the answer does not depend on it.
    void memory.verification.sample(episode, stored.track, {
      ...request,
      signal: AbortSignal.timeout(30_000),
    });
    return {
      result: { episodeId: episode.episode.id, ...stored },
      served: [{ track: stored.track, code: 'OK' }],
    };
  },
};

async function episodeToPut(args: PutArguments, router: Router, context: RequestContext): Promise<Put> {
  const blob = parseBlob(args.episodeBlob);
  const content = await contentOf(args, blob, router, context);
  const given = args.id ?? (blob.kind === 'message' && blob.episode.id !== '' ? blob.episode.id : undefined);
  return {
    episode: {
      ...content,
      id: given ?? contentDigest(content),
      timeUnixMs: content.timeUnixMs ?? Date.now(),
    },
    timeGiven: content.timeUnixMs !== undefined,
    shardKey: args.shardKey,
  };
}

async function contentOf(
  args: PutArguments,
  blob: ParsedBlob,
  router: Router,
  context: RequestContext,
): Promise<EpisodeContent> {
  const timeUnixMs = timeOf(args.time);
  if (blob.kind === 'concepts') {
    return { timeUnixMs, source: args.source ?? '', meta: args.meta ?? {}, concepts: blob.concepts };
  }
  const { episode } = blob;
  const concepts = await router.patiently(context, () =>
    router.on('stable', (peers) =>
      peers.dictionary(context.tenant).decode(episode.activations, settings(context)),
    ),
  );
  return {
    timeUnixMs: timeUnixMs ?? (episode.timeUnixMs === 0 ? undefined : episode.timeUnixMs),
    source: args.source ?? episode.source,
    meta: args.meta ?? episode.meta,
    concepts,
  };
}

function timeOf(time: PutArguments['time']): number | undefined {
  if (typeof time !== 'string') return time;
  const parsed = Date.parse(time);
  if (Number.isNaN(parsed)) throw invalidArgument('time', time, 'an ISO 8601 date that exists');
  return parsed;
}
