import { setTimeout as sleep } from 'node:timers/promises';
import { BusProcesses } from '../../harness/bus-processes.js';
import type { Report } from '../report.js';

const cutMs = 60_000;
const perSecond = 20;

/** Redis is cut off for a minute, and killed, while episodes are stored: nothing is lost, and the gauges show it. */
export async function redis(report: Report): Promise<void> {
  const processes = await BusProcesses.start();
  const { proxy, vault, learner } = processes;
  const pauseMs = 1_000 / perSecond;
  let stored = 0;
  const store = async (count: number) => {
    await processes.put(stored, stored + count, { atOnce: 1, pauseMs });
    stored += count;
  };
  try {
    await store(100);
    await processes.settled(stored);
    proxy.cut();
    const began = performance.now();
    while (performance.now() - began < cutMs) await store(perSecond);
    const lag = await vault.metric('bus_relay_lag_events');
    report.check('the gauge shows what waits after a minute without Redis', lag === stored - 100, lag);
    report.check('and that the way is cut', (await vault.metric('bus_connected')) === 0, 0);
    proxy.mend();
    const mended = performance.now();
    await processes.settled(stored);
    report.figure('seconds until both lags are 0 again', ((performance.now() - mended) / 1_000).toFixed(1));

    const killing = store(200);
    await sleep(1_000);
    await processes.redis.kill();
    await sleep(2_000);
    await processes.redis.restart();
    await killing;
    await processes.settled(stored);
    const handled = await learner.metric('bus_consumer_events_total');
    report.check('every episode reached the learner and sleep', handled >= stored, `${stored} episodes`);
  } finally {
    await processes.close();
  }
}
