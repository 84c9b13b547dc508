import { setTimeout as sleep } from 'node:timers/promises';
import { Presets, SingleBar } from 'cli-progress';
import pLimit from 'p-limit';
import type { Mcp } from '../../../lib/mcpClient/index.js';
import type { ImportedEpisode } from '../../import/episode.js';
import { sampleCorpus, sampleCorpusFolder } from '../../import/sample-corpus.js';
import type { TourContext } from './context.js';

const concurrency = 16;
/** Messages that are imported at once; the others arrive later, one by one. */
const importedAtOnce = 4_800;
const arrivalsPerSecond = 12;

/** Whether the sample mail is there: it comes with a source checkout. */
export function hasSampleMail(): boolean {
  return sampleCorpusFolder() !== undefined;
}

/** The sample mail as a box that is emptied from the front. */
export class SampleMail {
  readonly #mcp: Mcp;
  readonly #context: TourContext;
  readonly #messages: AsyncGenerator<ImportedEpisode, void>;

  constructor(mcp: Mcp, context: TourContext) {
    this.#mcp = mcp;
    this.#context = context;
    this.#messages = readable();
  }

  /** Imports the first messages as fast as the memory takes them. Those that are there already are not stored again. */
  async importMost(): Promise<void> {
    const { say, signal } = this.#context;
    const bar = process.stdout.isTTY
      ? new SingleBar({ format: '  {bar} {value}/{total}', clearOnComplete: true }, Presets.shades_classic)
      : undefined;
    bar?.start(importedAtOnce, 0);
    const startedAt = Date.now();
    const limit = pLimit(concurrency);
    const puts = new Set<Promise<void>>();
    let stored = 0;
    for (let taken = 0; taken < importedAtOnce; taken++) {
      signal.throwIfAborted();
      const next = await this.#messages.next();
      if (next.done === true) break;
      const episode = next.value;
      const put = limit(() => this.#put(episode)).then(() => {
        stored++;
        bar?.update(stored);
        puts.delete(put);
      });
      puts.add(put);
      // The reader is faster than the store: it waits, so that the corpus never stands in memory.
      if (puts.size >= 4 * concurrency) await Promise.race(puts);
    }
    await Promise.all(puts);
    bar?.stop();
    const seconds = Math.max(1, Math.round((Date.now() - startedAt) / 1_000));
    say.done(`Imported ${stored} messages in ${seconds} s`);
  }

  /** Lets further messages arrive, a few a second, until told to stop or none is left. Returns how many came. */
  async arrive(isOver: () => boolean): Promise<number> {
    const { signal } = this.#context;
    let arrived = 0;
    while (!isOver() && !signal.aborted) {
      const next = await this.#messages.next();
      if (next.done === true) break;
      await this.#put(next.value);
      arrived++;
      await sleep(1_000 / arrivalsPerSecond, undefined, { signal });
    }
    return arrived;
  }

  async #put({ id, time, source, meta, concepts }: ImportedEpisode): Promise<void> {
    const { signal } = this.#context;
    await this.#mcp('memory.put', { id, time, source, meta, episodeBlob: { concepts } }, { signal });
  }
}

async function* readable(): AsyncGenerator<ImportedEpisode, void> {
  for await (const parsed of sampleCorpus()) if ('episode' in parsed) yield parsed.episode;
}
