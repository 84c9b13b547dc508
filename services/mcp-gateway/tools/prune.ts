import { z } from 'zod';
import { tracksServing } from '../../common/shards/table.js';
import { tenantOf } from '../../common/tenant.js';
import { dryRunOnTrack, pruneOnTrack } from '../jobs/prune.js';
import * as schemas from './schemas.js';
import { gather, requestContext, type Tool } from './tool.js';

/** `memory.prune`. */
export const prune: Tool<'memory.prune'> = {
  name: 'memory.prune',
  title: 'Prune the concept graph',
  description:
    'Prune (clean up, forget weak links of) the concept graph by L1 regularization. By default a dry run that only tells what ' +
    'would go; pass dryRun: false to remove it. Episodes are never touched.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  arguments: z.strictObject({
    dryRun: z.boolean().optional().describe('true (default): change nothing, tell what would be removed.'),
    threshold: z
      .number()
      .positive()
      .optional()
      .describe(
        'L1 threshold: every weight shrinks by it, and edges below it go. Default: the parameter in force.',
      ),
    tenant: schemas.tenant,
  }),
  result: z.object({
    dryRun: z.boolean(),
    runs: z.array(
      z.object({
        track: schemas.track,
        jobId: z.string().optional(),
        state: schemas.outcome,
        error: z.string(),
        threshold: z.number(),
        edgesBefore: z.int(),
        edgesAfter: z.int(),
        version: z.int(),
        examples: z.array(z.object({ a: z.string(), b: z.string(), weight: z.number() })),
      }),
    ),
    failures: schemas.failures,
  }),
  async run({ dryRun = true, threshold, tenant }, context, { router }) {
    const request = requestContext(context, tenantOf({ tenant: tenant ?? '' }));
    const prune = dryRun ? dryRunOnTrack : pruneOnTrack;
    const outcomes = await router.onEach(
      tracksServing(router.tables.current(), request.tenant),
      request,
      (peers) => prune(peers, threshold, request),
    );
    const { values, failures, served } = gather(outcomes);
    return { result: { dryRun, runs: values, failures }, served };
  },
};
