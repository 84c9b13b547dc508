import { McpToolError, type Mcp } from '../../lib/mcpClient/index.js';
import type { Broken, ImportedEpisode, Parsed } from './episode.js';

/** What became of the episodes of an import. */
export interface PutCounts {
  /** Stored now. */
  stored: number;
  /** Stored before with the same content. */
  known: number;
  /** Stored before under the same id with other content, which stays. */
  kept: number;
  /** Refused by the gateway. */
  refused: number;
  /** Pieces of files that are no episode. */
  broken: number;
}

/** Where and how episodes are put. */
export interface PutOptions {
  readonly mcp: Mcp;
  readonly tenant?: string | undefined;
  /** Puts under way at most. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Told of everything that was not stored, with the reason. */
  readonly onSkipped: (skipped: Broken | { readonly id: string; readonly reason: string }) => void;
}

/**
 * Puts every episode of a stream. Puts are idempotent by id, so an import that was interrupted is simply run again.
 * What is broken or refused is told and counted; the rest goes on.
 * @throws the first failure that is about the gateway and not about an episode; the signal's reason when it aborts
 */
export async function putEpisodes(parsed: AsyncIterable<Parsed>, options: PutOptions): Promise<PutCounts> {
  const counts: PutCounts = { stored: 0, known: 0, kept: 0, refused: 0, broken: 0 };
  const source = parsed[Symbol.asyncIterator]();
  let failed = false;
  // Workers pull from the one stream: it is read no faster than the memory stores.
  const work = async (): Promise<void> => {
    for (let next = await source.next(); next.done !== true && !failed; next = await source.next()) {
      options.signal.throwIfAborted();
      if ('broken' in next.value) {
        counts.broken += 1;
        options.onSkipped(next.value.broken);
      } else counts[await put(next.value.episode, options)] += 1;
    }
  };
  try {
    await Promise.all(
      Array.from({ length: options.concurrency }, () =>
        work().catch((error: unknown) => {
          failed = true;
          throw error;
        }),
      ),
    );
  } finally {
    await source.return?.();
  }
  return counts;
}

async function put(
  { concepts, ...episode }: ImportedEpisode,
  { mcp, tenant, signal, onSkipped }: PutOptions,
): Promise<'stored' | 'known' | 'kept' | 'refused'> {
  try {
    const { duplicate } = await mcp(
      'memory.put',
      { ...episode, episodeBlob: { concepts }, tenant },
      { signal },
    );
    return duplicate ? 'known' : 'stored';
  } catch (error) {
    if (!(error instanceof McpToolError)) throw error;
    if (error.code === 'ALREADY_EXISTS') return 'kept';
    if (error.code !== 'INVALID_ARGUMENT' && error.code !== 'FAILED_PRECONDITION') throw error;
    onSkipped({ id: episode.id, reason: error.message });
    return 'refused';
  }
}
