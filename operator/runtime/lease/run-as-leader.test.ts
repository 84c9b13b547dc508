import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import type { ApiClient } from '../client/api-client.js';
import { ApiError, ConnectionError } from '../client/errors.js';
import type { KubeObject } from '../client/objects.js';
import type { Clock } from '../clock/clock.js';
import { FakeClock } from '../clock/fake-clock.js';
import { createRuntimeMetrics } from '../metrics.js';
import type { Lease } from './lease.js';
import { LeadershipLostError, runAsLeader } from './run-as-leader.js';

const silent = { info: () => undefined, warn: () => undefined };
const second = 1_000;

/** One stored lease with compare-and-set, and candidates whose network can be cut, before or after the server. */
class World {
  readonly clock = new FakeClock();
  stored: Lease | undefined;
  readonly history: string[] = [];
  readonly leaders = new Set<string>();
  mostLeaders = 0;
  #version = 0;
  readonly #cut = new Map<string, 'request' | 'answer' | 'hang'>();

  cut(identity: string, where: 'request' | 'answer' | 'hang' | undefined): void {
    if (where === undefined) this.#cut.delete(identity);
    else this.#cut.set(identity, where);
  }

  start(identity: string, clock: Clock = this.clock): Candidacy {
    const stopping = new AbortController();
    const registry = new Registry();
    const candidacy: Candidacy = {
      stop: () => stopping.abort(new Error('stopped')),
      lost: undefined,
      outcome: undefined,
      confirm: undefined,
      metric: async () =>
        (await registry.getSingleMetric('leader_election_master_status')!.get()).values[0]?.value ?? 0,
    };
    const lead = async (signal: AbortSignal, confirm: () => void) => {
      candidacy.confirm = confirm;
      this.leaders.add(identity);
      this.history.push(identity);
      this.mostLeaders = Math.max(this.mostLeaders, this.leaders.size);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      this.leaders.delete(identity);
      candidacy.lost = signal.reason;
    };
    const options = {
      client: this.#client(identity),
      namespace: 'default',
      name: 'toy',
      identity,
      logger: silent,
      signal: stopping.signal,
      metrics: createRuntimeMetrics(registry),
      clock,
      random: () => 0.5,
    };
    void runAsLeader(options, lead).then((outcome) => (candidacy.outcome = outcome));
    return candidacy;
  }

  #client(identity: string): Pick<ApiClient, 'find' | 'create' | 'update'> {
    const write = (object: KubeObject) => {
      const lease = object as Lease;
      const version = this.stored?.metadata.resourceVersion;
      if (lease.metadata.resourceVersion !== version)
        throw failure(409, version === undefined ? 'NotFound' : 'Conflict');
      this.stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } };
      return this.stored;
    };
    const over = async <T>(serve: () => T, signal?: AbortSignal): Promise<T> => {
      const cut = this.#cut.get(identity);
      if (cut === 'request') throw new ConnectionError('lease', 'ECONNRESET', undefined);
      const answer = serve();
      if (cut === 'answer') throw new ConnectionError('lease', 'ECONNRESET', undefined);
      if (cut === 'hang')
        await new Promise((_, reject) =>
          signal?.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      return answer;
    };
    const client = {
      find: (_type: unknown, _ref: unknown, options?: { signal?: AbortSignal }) =>
        over(() => this.stored, options?.signal),
      create: (_type: unknown, object: KubeObject, options?: { signal?: AbortSignal }) =>
        over(() => {
          if (this.stored !== undefined) throw failure(409, 'AlreadyExists');
          return write(object);
        }, options?.signal),
      update: (_type: unknown, object: KubeObject, options?: { signal?: AbortSignal }) =>
        over(() => write(object), options?.signal),
    };
    return client as unknown as Pick<ApiClient, 'find' | 'create' | 'update'>;
  }
}

interface Candidacy {
  readonly stop: () => void;
  lost: unknown;
  outcome: 'stopped' | 'lost' | undefined;
  confirm: (() => void) | undefined;
  readonly metric: () => Promise<number>;
}

function failure(status: number, reason: string): ApiError {
  return new ApiError(status, { reason }, { request: 'lease' });
}

/** A clock whose wall time is wrong and whose rate is off, as between two machines. */
function skewed(clock: FakeClock, offsetMs: number, rate: number): Clock {
  return {
    now: () => clock.now() + offsetMs,
    monotonic: () => clock.monotonic() * rate,
    after: (delayMs, run) => clock.after(delayMs / rate, run),
  };
}

describe('leadership', () => {
  test('goes to one of two, and at once to the other when it is given away', async () => {
    const world = new World();
    const a = world.start('a');
    await world.clock.advance(0);
    world.start('b');
    await world.clock.advance(60 * second);
    expect(world.history).toEqual(['a']);
    expect(await a.metric()).toBe(1);
    a.stop();
    await world.clock.advance(5 * second);
    expect(world.history).toEqual(['a', 'b']);
    expect(a.outcome).toBe('stopped');
    expect(await a.metric()).toBe(0);
    expect(world.mostLeaders).toBe(1);
    expect(world.stored?.spec).toMatchObject({
      holderIdentity: 'b',
      leaseDurationSeconds: 15,
      leaseTransitions: 1,
    });
    expect(world.stored?.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test.each(['request', 'answer', 'hang'] as const)(
    'ends before another begins when the network is cut at the %s',
    async (where) => {
      const world = new World();
      const a = world.start('a');
      await world.clock.advance(20 * second);
      world.start('b');
      await world.clock.advance(second);
      world.cut('a', where);
      if (where === 'answer') {
        // Its renewals arrive, so nobody may take over; it only cannot know, and stops.
        await world.clock.advance(10 * second);
        expect(world.leaders.size).toBe(0);
      }
      await world.clock.advance(40 * second);
      expect(world.history).toEqual(['a', 'b']);
      expect(world.mostLeaders).toBe(1);
      expect(a.lost).toBeInstanceOf(LeadershipLostError);
      expect(a.outcome).toBe('lost');
    },
  );

  test('is kept over a short cut', async () => {
    const world = new World();
    world.start('a');
    await world.clock.advance(20 * second);
    world.start('b');
    world.cut('a', 'request');
    await world.clock.advance(7 * second);
    world.cut('a', undefined);
    await world.clock.advance(60 * second);
    expect(world.history).toEqual(['a']);
    expect(world.leaders).toEqual(new Set(['a']));
  });

  test('is kept when one request hangs', async () => {
    const world = new World();
    world.start('a');
    await world.clock.advance(20 * second);
    world.start('b');
    world.cut('a', 'hang');
    await world.clock.advance(3 * second);
    world.cut('a', undefined);
    await world.clock.advance(60 * second);
    expect(world.history).toEqual(['a']);
  });

  test('is not claimed again by a process that was stopped for a while', async () => {
    const world = new World();
    let lag = 0;
    const clock: Clock = {
      now: () => world.clock.now(),
      monotonic: () => world.clock.monotonic() + lag,
      after: (delayMs, run) => world.clock.after(delayMs, run),
    };
    const a = world.start('a', clock);
    await world.clock.advance(5 * second);
    expect(a.confirm).not.toThrow();
    lag = 60 * second;
    // Nothing has told it yet, and still it is not permitted to write.
    expect(a.lost).toBeUndefined();
    expect(a.confirm).toThrow(LeadershipLostError);
    await world.clock.advance(3 * second);
    expect(a.lost).toBeInstanceOf(LeadershipLostError);
  });

  test('does not depend on wall clocks that agree', async () => {
    const world = new World();
    world.start('a', skewed(world.clock, -3_600 * second, 1));
    await world.clock.advance(0);
    world.start('b', skewed(world.clock, 3_600 * second, 1));
    await world.clock.advance(120 * second);
    expect(world.history).toEqual(['a']);
  });

  test('is taken over after a crash, within the lease and a few tries', async () => {
    const world = new World();
    world.start('a');
    await world.clock.advance(0);
    world.start('b');
    await world.clock.advance(10 * second);
    world.cut('a', 'request');
    // The other one looks every 3 s, and counts from when it saw the last renewal.
    await world.clock.advance(3 * second + 15 * second + 3 * second);
    expect(world.history).toEqual(['a', 'b']);
  });

  test('is never with two, whatever is cut when', async () => {
    const step = fc.record({
      who: fc.constantFrom('a', 'b', 'c'),
      where: fc.constantFrom('request', 'answer', 'hang', undefined),
      seconds: fc.integer({ min: 0, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.array(fc.double({ min: 0.95, max: 1.05, noNaN: true }), { minLength: 3, maxLength: 3 }),
        async (steps, rates) => {
          const world = new World();
          const again = (identity: string, k: number) => {
            world.start(identity, skewed(world.clock, k * 1_000 * second, rates[k] ?? 1));
          };
          ['a', 'b', 'c'].forEach(again);
          for (const { who, where, seconds } of steps) {
            world.cut(who, where);
            await world.clock.advance(seconds * second);
            expect(world.leaders.size).toBeLessThanOrEqual(1);
          }
          expect(world.mostLeaders).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60 },
    );
  });
});
