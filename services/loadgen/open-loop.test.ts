import { setMaxListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { runOpenLoop, type Clock, type OpenLoop } from './open-loop.js';

/** A clock that jumps to the next moment somebody waits for, once nothing else can run. */
class SimulatedClock implements Clock {
  #now = 0;
  readonly #waiting: { readonly at: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((wake) => {
      this.#waiting.push({ at: this.#now + ms, wake });
      signal?.addEventListener('abort', () => wake());
    });
  }

  async run(work: Promise<void>): Promise<void> {
    const ended = new AbortController();
    void work.finally(() => ended.abort());
    while (!ended.signal.aborted) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#waiting.sort((a, b) => a.at - b.at);
      const first = this.#waiting.shift();
      if (first === undefined) continue;
      this.#now = Math.max(this.#now, first.at);
      first.wake();
    }
    await work;
  }
}

async function simulate(
  load: Pick<OpenLoop, 'rate' | 'workers' | 'durationMs'>,
  serviceMs: (k: number) => number,
  signal = new AbortController().signal,
): Promise<Map<number, number>> {
  setMaxListeners(0, signal);
  const clock = new SimulatedClock();
  const latencies = new Map<number, number>();
  const loop: OpenLoop = {
    ...load,
    send: (k) => clock.sleep(serviceMs(k)),
    onDone: (k, latencyMs) => latencies.set(k, latencyMs),
  };
  await clock.run(runOpenLoop(loop, clock, signal));
  return latencies;
}

describe('runOpenLoop', () => {
  test('sends rate times duration requests, each at its moment', async () => {
    const latencies = await simulate({ rate: 5, workers: 4, durationMs: 10_000 }, () => 10);
    expect(latencies.size).toBe(50);
    for (const latency of latencies.values()) expect(latency).toBeCloseTo(10, 6);
  });

  test('charges a stall to every request that fell due in it', async () => {
    const latencies = await simulate({ rate: 10, workers: 1, durationMs: 2_000 }, (k) =>
      k === 0 ? 1_000 : 1,
    );
    expect(latencies.get(0)).toBeCloseTo(1_000, 6);
    expect(latencies.get(1)).toBeCloseTo(901, 6);
    expect(latencies.get(5)).toBeCloseTo(505, 6);
    expect(latencies.get(15)).toBeCloseTo(1, 6);
  });

  test('reports a failure and goes on', async () => {
    const clock = new SimulatedClock();
    const errors: unknown[] = [];
    const loop: OpenLoop = {
      rate: 10,
      workers: 2,
      durationMs: 500,
      send: (k) => (k === 2 ? Promise.reject(new Error('gone')) : Promise.resolve()),
      onDone: (_k, _latencyMs, error) => errors.push(error),
    };
    await clock.run(runOpenLoop(loop, clock, new AbortController().signal));
    expect(errors).toHaveLength(5);
    expect(errors.filter((error) => error !== undefined)).toEqual([new Error('gone')]);
  });

  test('stops when the signal aborts', async () => {
    const stop = new AbortController();
    const latencies = await simulate(
      { rate: 10, workers: 2, durationMs: 3_600_000 },
      (k) => {
        if (k === 7) stop.abort();
        return 1;
      },
      stop.signal,
    );
    expect(latencies.size).toBe(8);
  });
});
