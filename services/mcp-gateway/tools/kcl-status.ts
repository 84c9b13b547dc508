import { z } from 'zod';
import { tracksServing } from '../../common/shards/table.js';
import { tenantOf } from '../../common/tenant.js';
import { kclStatusOnTrack } from '../jobs/kcl-status.js';
import * as schemas from './schemas.js';
import { gather, requestContext, type Tool } from './tool.js';

/** `memory.kcl_status`. */
export const kclStatus: Tool<'memory.kcl_status'> = {
  name: 'memory.kcl_status',
  title: 'Spectral health of the memory',
  description:
    'Report the health (status) of the memory dynamics: spectral modes with their frequency, growth and concepts, phase drift ' +
    '(psi), and couplings between modes.',
  annotations: { readOnlyHint: true, openWorldHint: false },
  arguments: z.strictObject({ tenant: schemas.tenant }),
  result: z.object({
    tracks: z.array(
      z.object({
        track: schemas.track,
        fitted: z.boolean().describe('False until there are enough snapshots; reason says what is missing.'),
        reason: z.string(),
        snapshots: z.int(),
        rank: z.int(),
        effectiveRank: z.int(),
        spectralRadius: z.number(),
        psiDriftRad: z.number(),
        modes: z.array(
          z.object({
            modeId: z.int(),
            frequencyHz: z.number(),
            growthRate: z.number(),
            halfLifeSeconds: z.number().optional(),
            amplitude: z.number(),
            psiRad: z.number(),
            residual: z.number(),
            concepts: z.array(z.object({ concept: z.string(), weight: z.number() })),
          }),
        ),
        couplings: z.array(z.object({ to: z.int(), from: z.int(), strength: z.number() })),
        orderParameter: z.number(),
      }),
    ),
    failures: schemas.failures,
  }),
  async run({ tenant }, context, { router }) {
    const request = requestContext(context, tenantOf({ tenant: tenant ?? '' }));
    const outcomes = await router.onEach(
      tracksServing(router.tables.current(), request.tenant),
      request,
      (peers) => kclStatusOnTrack(peers, request),
    );
    const { values, failures, served } = gather(outcomes);
    return { result: { tracks: values, failures }, served };
  },
};
