import type { EventBus } from '../common/bus/bus.js';
import type { CursorFile } from '../common/bus/cursor-file.js';
import { Interruptions } from '../common/bus/interruptions.js';
import type { Logger } from '../common/logger.js';

/** What the follower needs. */
export interface FollowerOptions {
  readonly bus: EventBus;
  /** Where this subscriber stands. */
  readonly cursor: CursorFile;
  /** Told of every event. */
  readonly onNews: () => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Name of the source on the bus. */
export const vaultSource = 'episodic-vault';

/**
 * Follows the vault's events until the signal is aborted. They only say when to look: how far sleep got is in the pruner,
 * beside the graph.
 */
export async function followVault({ bus, cursor, onNews, logger, signal }: FollowerOptions): Promise<void> {
  const interruptions = new Interruptions(
    logger,
    'cannot follow the vault; its backlog is looked at now and then',
  );
  const kept = cursor.read();
  await bus.subscribe(vaultSource, {
    after: kept?.sequence,
    log: kept?.log,
    signal,
    onEvent(event) {
      onNews();
      cursor.keep(event);
      interruptions.over();
    },
    onInterrupted: (reason) => interruptions.tell(reason),
  });
  await cursor.written();
}
