import { Presets, SingleBar } from 'cli-progress';
import pLimit from 'p-limit';
import type { Mcp } from '../../../lib/mcpClient/index.js';
import { sampleCorpus, sampleCorpusFolder } from '../../import/sample-corpus.js';
import type { TourContext } from './tour.js';

const concurrency = 16;
const expectedMessages = 6_046;

/** Imports the sample mail; false when it is not installed. Episodes that are there already are not stored again. */
export async function importSampleMail(mcp: Mcp, { say, signal }: TourContext): Promise<boolean> {
  if (sampleCorpusFolder() === undefined) {
    say.warn('The sample mail comes with a source checkout only. Import your own: npx tori import FILES');
    return false;
  }
  say.step('Import: a corpus of real mail becomes episodes (concepts by weight in the text)');
  const bar = process.stdout.isTTY
    ? new SingleBar({ format: '  {bar} {value}/{total}', clearOnComplete: true }, Presets.shades_classic)
    : undefined;
  bar?.start(expectedMessages, 0);
  const limit = pLimit(concurrency);
  const puts = new Set<Promise<void>>();
  const startedAt = Date.now();
  let stored = 0;
  let broken = 0;
  for await (const parsed of sampleCorpus()) {
    signal.throwIfAborted();
    if ('broken' in parsed) {
      broken++;
      continue;
    }
    const { id, time, source, meta, concepts } = parsed.episode;
    const put = limit(async () => {
      await mcp('memory.put', { id, time, source, meta, episodeBlob: { concepts } }, { signal });
      stored++;
      bar?.update(stored);
    });
    puts.add(put);
    put.then(() => puts.delete(put)).catch(() => undefined);
    // The reader is faster than the store: it waits, so that the corpus never stands in memory.
    if (puts.size >= 4 * concurrency) await Promise.race(puts);
  }
  await Promise.all(puts);
  bar?.stop();
  const seconds = (Date.now() - startedAt) / 1_000;
  const skipped = broken === 0 ? '' : `, ${broken} could not be read`;
  say.done(`Imported ${stored} messages in ${seconds.toFixed(0)} s${skipped}`);
  return true;
}
