import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clusterOf, servingWorld, specOf, type Quality, type World } from '../../test/rollout/world.js';
import { statusProblems } from '../api/kstatus.js';
import { actionNames, type ActionName } from '../api/memory-action.js';
import type { MemoryClusterStatus } from '../api/memory-cluster.js';
import { rolloutStatusSchema, type RolloutStatus } from '../api/rollout-status.js';
import { structureCheck } from '../api/structure.js';
import { clusterPhases, type MemoryCluster } from '../api/memory-cluster.js';
import { clusterStatus } from '../cluster/status.js';
import { carryOut, legalCommands } from './commands.js';
import { decide } from './decide.js';
import { rolloutStates } from './states.js';

const checkSchema = structureCheck(rolloutStatusSchema.json);

/** Something that happens to a cluster. */
type Event =
  | { readonly type: 'wait'; readonly seconds: number }
  | { readonly type: 'spec'; readonly rate: number; readonly onFail: string; readonly paused: boolean }
  | { readonly type: 'tune'; readonly generation: number }
  | { readonly type: 'quality'; readonly quality: Quality }
  | { readonly type: 'starts'; readonly stable: boolean; readonly canary: boolean }
  | { readonly type: 'command'; readonly action: ActionName }
  | { readonly type: 'kill'; readonly carried: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('wait'), seconds: fc.integer({ min: 1, max: 1_200 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('spec'),
      rate: fc.constantFrom(0.01, 0.02, 0.03),
      onFail: fc.constantFrom('pause', 'rollback', 'gradualRollback'),
      paused: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('tune'), generation: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('quality'),
      quality: fc.constantFrom<Quality>('good', 'failing', 'silent', 'unreadable'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('starts'), stable: fc.boolean(), canary: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('command'), action: fc.constantFrom(...actionNames) }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('kill'), carried: fc.nat({ max: 4 }) }) },
);

let commands = 0;

function happen(world: World, what: Event): void {
  switch (what.type) {
    case 'wait':
      world.now += what.seconds * 1_000;
      break;
    case 'spec':
      world.wish = { ...world.wish, spec: specOf(what.rate, { onFail: what.onFail, paused: what.paused }) };
      break;
    case 'tune':
      world.wish = { ...world.wish, tuning: { generation: what.generation, parameters: { annealT0: 3 } } };
      break;
    case 'quality':
      world.quality = what.quality;
      break;
    case 'starts':
      world.stableStarts = what.stable;
      world.canaryStarts = what.canary;
      break;
    case 'command':
      command(world, what.action);
      break;
    case 'kill':
      // Killed after some of the intents: the next process knows only what was stored.
      world.reconcile((intents) => intents.slice(0, what.carried));
      world.status = JSON.parse(JSON.stringify(world.status)) as RolloutStatus;
  }
}

function command(world: World, action: ActionName): void {
  const given = { uid: `uid-${commands++}`, action, by: 'ada', reason: '' };
  world.status = carryOut(given, world.status!, world.wish.spec, world.instant).status;
}

/** The properties that hold between any two statuses that follow each other by `decide`. */
function checkStep(before: RolloutStatus, after: RolloutStatus): void {
  if (before.state !== after.state) expect(rolloutStates[before.state].next).toContain(after.state);
  checkTable(before, after);
  checkRun(before, after);
}

function checkTable({ table: before }: RolloutStatus, { table: after, state }: RolloutStatus): void {
  const changed = before.basisPoints !== after.basisPoints || before.canary !== after.canary;
  expect(after.epoch).toBeGreaterThanOrEqual(before.epoch + (changed ? 1 : 0));
  if (after.basisPoints > before.basisPoints) expect(['Holding', 'Promoting']).toContain(state);
  if (after.basisPoints < before.basisPoints) expect(['RollingBack', 'Draining']).toContain(state);
  if (after.basisPoints > 0) expect(after.canary).toBe(true);
}

/** One run at a time, another begins only from Stable; a rejected revision does not begin. */
function checkRun(before: RolloutStatus, { run }: RolloutStatus): void {
  if (run === undefined) return;
  if (before.run !== undefined) {
    expect(run.revision).toBe(before.run.revision);
    return;
  }
  expect(before.rejectedRevisions.map(({ revision }) => revision)).not.toContain(run.revision);
}

/** The properties of every status that is ever written. */
function checkStatus(world: World, status: RolloutStatus): void {
  expect(checkSchema(structuredClone(status))).toEqual([]);
  expect(JSON.stringify(status).length).toBeLessThan(64 * 1024);
  const written = clusterStatusOf(world, status);
  expect(clusterPhases).toContain(written.phase);
  expect(statusProblems({ metadata: { generation: 1 }, status: written })).toEqual([]);
}

function clusterStatusOf({ wish, instant }: World, rollout: RolloutStatus): MemoryClusterStatus {
  const cluster: MemoryCluster = { ...clusterOf({}), spec: wish.spec };
  return clusterStatus(
    { cluster, generation: 1, rollout, services: [], endpoints: {}, problems: [] },
    instant,
  );
}

/** Decides until nothing changes; within one instant only a few transitions can follow each other. */
function settle(world: World): void {
  for (let pass = 0; ; pass++) {
    expect(pass).toBeLessThan(20);
    const before = world.status!;
    const after = world.reconcile();
    if (JSON.stringify(after) === JSON.stringify(before)) return;
    checkStep(before, after);
    checkStatus(world, after);
  }
}

describe('any sequence of events', () => {
  test('keeps the rules of the rollout, and good observations always lead out', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 5, maxLength: 60 }), (events) => {
        const world = servingWorld();
        for (const what of events) {
          happen(world, what);
          settle(world);
        }
        world.quality = 'good';
        world.stableStarts = world.canaryStarts = true;
        world.wish = {
          ...world.wish,
          spec: { ...world.wish.spec, rollout: { ...world.wish.spec.rollout, paused: false } },
        };
        for (let tick = 0; tick < 400 && world.status!.state !== 'Stable'; tick++) {
          const [way] = legalCommands(world.status!, world.wish.spec).filter((action) =>
            ['approve', 'resume', 'retry'].includes(action),
          );
          if (world.status!.state === 'Paused' && way !== undefined) command(world, way);
          settle(world);
          world.now += 60_000;
        }
        expect(world.status!.state).toBe('Stable');
      }),
      { numRuns: 100 },
    );
  });

  test('a rejected revision never starts by itself', () => {
    fc.assert(
      fc.property(
        fc.array(
          event.filter(({ type }) => type === 'wait' || type === 'kill' || type === 'quality'),
          {
            maxLength: 40,
          },
        ),
        (events) => {
          const world = servingWorld();
          world.wish = { spec: specOf(0.02) };
          world.quality = 'failing';
          world.runUntil(
            ({ state, rejectedRevisions }) => state === 'Stable' && rejectedRevisions.length > 0,
          );
          for (const what of events) {
            happen(world, what);
            settle(world);
            expect(world.status!.run).toBeUndefined();
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a 48-hour canary', () => {
  const spec = clusterOf({ services: { sleep: { parameters: { learningRate: 0.02 } } } }).spec;

  function run(afterEvaluation: (world: World) => void): World {
    const world = servingWorld();
    world.wish = { spec };
    world.requestsPerSecond = 50;
    const steps = 60 * 60;
    for (let minute = 0; minute < steps; minute++) {
      settleFast(world);
      afterEvaluation(world);
      world.now += 60_000;
    }
    return world;
  }

  function settleFast(world: World): void {
    for (let before; before !== world.status;) {
      before = world.status;
      const next = decide(world.wish, world.status, world.observe(), world.instant);
      if (JSON.stringify(next.status) !== JSON.stringify(before)) world.status = next.status;
      for (const intent of next.intents) world.carryOut(intent);
    }
  }

  test('ends the same when the operator is killed between any two evaluations', () => {
    const untouched = run(() => undefined);
    const killed = run((world) => {
      world.status = JSON.parse(JSON.stringify(world.status)) as RolloutStatus;
    });
    expect(killed.status).toEqual(untouched.status);
    expect(untouched.status!.state).toBe('Stable');
    expect(untouched.status!.history[0]).toMatchObject({ kind: 'Spec', outcome: 'Promoted' });
    const { startedAt, finishedAt } = untouched.status!.history[0]!;
    const hours = (Date.parse(finishedAt) - Date.parse(startedAt)) / 3_600_000;
    expect(hours).toBeGreaterThan(49);
    expect(hours).toBeLessThan(50);
  });

  test('ends the same when it is killed at one random moment in the middle of its intents', () => {
    const untouched = run(() => undefined);
    fc.assert(
      fc.property(fc.nat({ max: 3_000 }), fc.nat({ max: 3 }), (at, carried) => {
        let minute = 0;
        const killed = run((world) => {
          if (minute++ !== at) return;
          const { status, intents } = decide(world.wish, world.status, world.observe(), world.instant);
          world.status = JSON.parse(JSON.stringify(status)) as RolloutStatus;
          for (const intent of intents.slice(0, carried)) world.carryOut(intent);
        });
        expect(killed.status!.stableRevision).toBe(untouched.status!.stableRevision);
        expect(killed.status!.history.map(({ outcome }) => outcome)).toEqual(
          untouched.status!.history.map(({ outcome }) => outcome),
        );
      }),
      { numRuns: 2 },
    );
  });
});
