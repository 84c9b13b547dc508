import { z } from 'zod';
import { tracksServing } from '../../common/shards/table.js';
import { tenantOf } from '../../common/tenant.js';
import { sleepOnTrack } from '../jobs/sleep.js';
import * as schemas from './schemas.js';
import { gather, requestContext, type Tool } from './tool.js';

/** `memory.sleep`. */
export const sleep: Tool<'memory.sleep'> = {
  name: 'memory.sleep',
  title: 'Consolidate memory',
  description:
    'Trigger consolidation (sleep, replay): new episodes are replayed into the concept graph, so that recall can complete ' +
    'patterns. Waits for the end and reports the energies of every cycle. Cancelling the request stops the run.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  arguments: z.strictObject({
    once: z
      .boolean()
      .optional()
      .describe('true (default): one cycle. false: cycles until no new episode is left.'),
    tenant: schemas.tenant,
  }),
  result: z.object({
    runs: z.array(
      z.object({
        track: schemas.track,
        runId: z.string(),
        state: schemas.outcome,
        error: z.string(),
        cycles: z.array(
          z.object({
            cycle: z.int(),
            episodes: z.int(),
            energyBefore: z
              .number()
              .describe('Energy of held-out episodes, in units of the rms local field.'),
            energyAfter: z.number(),
            energyDropRatio: z.number(),
            settleLoops: z.number(),
            completionBefore: z.number().describe('NDCG@20 of completing held-out episodes.'),
            completionAfter: z.number(),
            accepted: z.boolean(),
            reason: z.string(),
          }),
        ),
      }),
    ),
    failures: schemas.failures,
  }),
  async run({ once, tenant }, context, { router }) {
    const request = requestContext(context, tenantOf({ tenant: tenant ?? '' }));
    let cycles = 0;
    const outcomes = await router.onEach(
      tracksServing(router.tables.current(), request.tenant),
      request,
      (peers) =>
        sleepOnTrack(peers, once ?? true, request, (cycle) => {
          const energies = `energy ${cycle.energyBefore.toFixed(3)} -> ${cycle.energyAfter.toFixed(3)}`;
          const verdict = cycle.accepted ? 'accepted' : `refused: ${cycle.reason}`;
          context.progress(++cycles, `${peers.track}: cycle ${cycle.cycle}, ${energies}, ${verdict}`);
        }),
    );
    const { values, failures, served } = gather(outcomes);
    return { result: { runs: values, failures }, served };
  },
};
