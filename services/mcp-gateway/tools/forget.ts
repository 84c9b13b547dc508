import { z } from 'zod';
import { tenantOf } from '../../common/tenant.js';
import * as schemas from './schemas.js';
import { requestContext, type Tool } from './tool.js';

/** `memory.forget`. */
export const forget: Tool<'memory.forget'> = {
  name: 'memory.forget',
  title: 'Forget a memory',
  description:
    'Forget (delete, erase) one stored episode by its id. Its id is never accepted again, and the next sleep takes its ' +
    'contribution out of the concept graph. Cannot be undone.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  arguments: z.strictObject({ id: schemas.episodeId, tenant: schemas.tenant }),
  result: z.object({
    id: z.string(),
    deleted: z.boolean().describe('False when it had been forgotten before.'),
  }),
  async run({ id, tenant }, context, memory) {
    const request = requestContext(context, tenantOf({ tenant: tenant ?? '' }));
    const { track, deleted } = await memory.store.forget(id, request);
    return { result: { id, deleted }, served: [{ track, code: 'OK' }] };
  },
};
