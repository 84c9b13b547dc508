import { metadataOf, type ApiClient } from '../../operator/runtime/index.js';
import type { Contender } from './contender.js';
import { inParallel } from './parallel.js';

/**
 * Deletes what was made for a contender in a namespace. Thousands of Services make each further one slower, because the API
 * server looks through all addresses for a free one; nobody is to be measured with those of somebody else.
 */
export async function sweep(
  { children, resource }: Contender,
  namespace: string,
  client: ApiClient,
): Promise<void> {
  for (const type of [resource, ...children]) {
    const { items } = await client.list(metadataOf(type), { namespace });
    await inParallel(items.length, (index) => client.delete(type, items[index]!.metadata));
  }
}
