import { seededRandom } from '../../harness/load.js';
import { differences } from '../../kubernetes/final-state.js';
import { forget, throughFaults, withoutFaults, type Outcome } from '../../kubernetes/fault-run.js';
import { World } from '../../kubernetes/world.js';
import type { Report } from '../report.js';

const runs = 3;
const rate = 0.2;

/**
 * The operator behind a proxy that answers 409, 410, 429 and 500, times out, drops and stalls watches and cuts connections,
 * with an API server that is killed on the way: it converges to what it makes without faults.
 */
export async function faults(report: Report): Promise<void> {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  report.figure('seed', seed);
  report.figure('share of requests that are struck', rate);
  const world = await World.start('processes');
  try {
    const calm = await withoutFaults(world, seed);
    report.figure('way without faults', calm.way.join(' → '));
    judgeLoad(report, 'without faults', calm);
    for (let run = 1; run <= runs; run++) {
      await forget(world);
      const runSeed = Math.floor(random() * 2 ** 31);
      await oneRun(report, world, { calm, runSeed });
    }
  } finally {
    const linted = world.statusFaults();
    report.check(
      'every status that was written is read rightly',
      linted.length === 0,
      linted.join('; ') || 'all',
    );
    await world.stop();
  }
}

async function oneRun(
  report: Report,
  world: World,
  { calm, runSeed }: { readonly calm: Outcome; readonly runSeed: number },
): Promise<void> {
  const name = `seed ${runSeed}`;
  const faulty = await throughFaults(world, { seed: runSeed, rate });
  const struck = Object.entries(faulty.struck).map(([kind, count]) => `${kind}: ${count}`);
  report.figure(`${name}: requests`, faulty.requests);
  report.figure(`${name}: struck`, struck.join(', '));
  report.figure(`${name}: seconds from the last fault to rest`, faulty.secondsToConverge.toFixed(1));
  const different = differences(calm.state, faulty.state);
  const children = Object.keys(calm.state).length - 1;
  report.check(
    `${name}: children and status are the same as without faults`,
    different.length === 0,
    different.join('\n') || `${children} children`,
  );
  report.check(
    `${name}: no step skipped or repeated`,
    faulty.way.join() === calm.way.join(),
    faulty.way.join(' → '),
  );
  judgeLoad(report, name, faulty);
}

function judgeLoad(report: Report, name: string, { load }: Outcome): void {
  report.check(
    `${name}: every acknowledged episode is there and equal`,
    load.equal === load.acknowledged && load.acknowledged > 20,
    `${load.equal} of ${load.acknowledged} ${load.wrong.join(' ')}`,
  );
}
