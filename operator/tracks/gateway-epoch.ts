import { z } from 'zod';

const readinessSchema = z.object({ ready: z.boolean(), epoch: z.number().int() });

const timeoutMs = 2_000;

/**
 * The epoch of the shard table that a gateway serves; undefined while it is not ready or does not answer.
 * @param base such as `http://10.0.0.7:8787`
 */
export async function gatewayEpoch(base: string): Promise<number | undefined> {
  try {
    const response = await fetch(`${base}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    const { ready, epoch } = readinessSchema.parse(await response.json());
    return ready ? epoch : undefined;
  } catch {
    return undefined;
  }
}
