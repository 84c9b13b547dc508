import { simulatePlants } from '../../plants/simulate.js';
import type { Report } from '../report.js';

/** The tuner on random plants: gains, delays, noise, dead sensors, kills. */
export function plants(report: Report): Promise<void> {
  const count = 1_000;
  const reports = simulatePlants(count);
  const broken = reports.flatMap(({ seed, broken: faults }) =>
    faults.map((fault) => `seed ${seed}: ${fault}`),
  );
  const sum = (of: (one: (typeof reports)[number]) => number) =>
    reports.reduce((total, one) => total + of(one), 0);
  report.figure(
    'changes',
    sum(({ changes }) => changes),
  );
  report.figure(
    'of them reverted after their trial',
    sum(({ reverted }) => reverted),
  );
  report.figure(
    'parameters frozen for oscillating',
    sum(({ oscillating }) => oscillating),
  );
  report.check(`bounds and reversals over ${count} plants`, broken.length === 0, broken[0] ?? 'none broken');
  return Promise.resolve();
}
