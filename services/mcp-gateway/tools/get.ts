import { z } from 'zod';
import { tenantOf } from '../../common/tenant.js';
import { shortestFloat32 } from '../episodes/episode.js';
import * as schemas from './schemas.js';
import { requestContext, type Tool } from './tool.js';

/** `memory.get`. */
export const get: Tool<'memory.get'> = {
  name: 'memory.get',
  title: 'Read a memory',
  description:
    'Read (fetch, look up) one stored episode by its id, with its concepts, time, source and labels.',
  annotations: { readOnlyHint: true, openWorldHint: false },
  arguments: z.strictObject({ id: schemas.episodeId, tenant: schemas.tenant }),
  result: z.object({
    id: z.string(),
    time: z.int().describe('Milliseconds since the Unix epoch.'),
    source: z.string(),
    meta: z.record(z.string(), z.string()),
    concepts: z.record(z.string(), z.number()),
    sequence: z.int(),
    track: schemas.track,
  }),
  async run({ id, tenant }, context, memory) {
    const request = requestContext(context, tenantOf({ tenant: tenant ?? '' }));
    const { episode, sequence, track } = await memory.store.get(id, request);
    const concepts = [...episode.concepts].map(([name, value]) => [name, shortestFloat32(value)] as const);
    return {
      result: {
        id: episode.id,
        time: episode.timeUnixMs,
        source: episode.source,
        meta: episode.meta,
        concepts: Object.fromEntries(concepts),
        sequence,
        track,
      },
      served: [{ track, code: 'OK' }],
    };
  },
};
