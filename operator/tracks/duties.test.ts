import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { Intent } from '../rollout/intents.js';
import { BackgroundJobs } from './background.js';
import type { Tracks } from './clients.js';
import { TrackDuties, type DutyPlan } from './duties.js';
import type { DocumentName } from './kept-documents.js';

const logger = pino({ level: 'silent' });

/** Duties of a cluster whose services do at once what they are asked, which is counted. */
function setUp() {
  const asked = { sleeps: 0, values: 0 };
  let now = Date.parse('2030-01-01T00:00:00Z');
  const count = () => {
    asked.values += 1;
    return Promise.resolve();
  };
  const texts = new Map<DocumentName, string>();
  const jobs = new BackgroundJobs(logger);
  const tracks = {
    canary: {
      sleep: {
        startConsolidation: () => Promise.resolve({ runId: String(++asked.sleeps) }),
        getConsolidation: () => Promise.resolve({ run: { finishedUnixMs: 1 } }),
      },
    },
    stable: new Proxy({}, { get: () => new Proxy({}, { get: () => () => count() }) }),
  } as unknown as Tracks;
  const duties = new TrackDuties({
    documents: {
      read: (name) => Promise.resolve(texts.get(name)),
      write: (name, text) => Promise.resolve(void texts.set(name, text)),
      remove: (...names) => {
        for (const name of names) texts.delete(name);
        return Promise.resolve();
      },
    },
    jobs,
    tracks,
    logger,
    now: () => new Date(now),
    signal: new AbortController().signal,
  });
  /** One pass; ends when the jobs that it has begun have ended. */
  const pass = async (intent: Intent, observation: object) => {
    const plan = { observation, rollout: { state: 'Holding' } } as unknown as DutyPlan;
    duties.perform([intent], plan);
    await jobs.settled();
  };
  return { asked, pass, later: (ms: number) => (now += ms) };
}

test('a sleep that was forced is waited for until it shows in the metrics, and not for ever', async () => {
  const { asked, pass, later } = setUp();
  const force = (canarySleeps: number) =>
    pass({ type: 'forceSleep', atLeast: 3 }, { step: { canarySleeps } });
  for (let k = 0; k < 5; k++) await force(0);
  expect(asked.sleeps).toBe(1);
  await force(1);
  await force(1);
  expect(asked.sleeps).toBe(2);
  later(31_000);
  await force(1);
  expect(asked.sleeps).toBe(3);
  await force(3);
  expect(asked.sleeps).toBe(3);
});

test('tuned values that stable has adopted are not given to it again', async () => {
  const { asked, pass } = setUp();
  const intent = { type: 'adoptTuning', generation: 4, parameters: {} } as unknown as Intent;
  await pass(intent, { adoptedTuningGeneration: 3 });
  expect(asked.values).toBeGreaterThan(0);
  const before = asked.values;
  await pass(intent, { adoptedTuningGeneration: 4 });
  expect(asked.values).toBe(before);
});
