import { describe as group, expect, test } from '@jest/globals';
import { servingWorld, specOf, type World } from '../../test/rollout/world.js';
import type { MemoryClusterSpec } from '../api/memory-cluster.js';
import type { RolloutState, RolloutStatus } from '../api/rollout-status.js';
import { revisionOf, templateOf } from '../cluster/revision.js';
import { carryOut, legalCommands, type Command } from './commands.js';
import { decide, rolloutInProgress } from './decide.js';
import { intentsOf } from './intents.js';

const minute = 60_000;
const revision = (spec: MemoryClusterSpec) => revisionOf(templateOf(spec));
const in_ = (state: RolloutState) => (status: RolloutStatus) => status.state === state;

function changed(rollout: Record<string, unknown> = {}): World {
  const world = servingWorld(rollout);
  world.wish = { spec: specOf(0.02, rollout) };
  return world;
}

function order(world: World, action: Command['action'], uid = `${action}-${world.now}`) {
  const command = { uid, action, by: 'ada', reason: 'because' };
  const { status, answer } = carryOut(command, world.status!, world.wish.spec, world.instant);
  world.status = status;
  return answer;
}

/** States and shares as they followed each other, without repetition. */
function story({ decisions }: World): string[] {
  const lines = decisions.map(({ state, table }) => `${state} ${table.basisPoints}`);
  return lines.filter((line, index) => line !== lines[index - 1]);
}

group('a good canary', () => {
  test('goes through every step, is promoted and drained', () => {
    const world = changed();
    world.decisions.length = 0;
    expect(world.runUntil((status) => status.history[0]?.revision === revision(world.wish.spec))).toBe(true);
    expect(story(world)).toEqual([
      'Starting 0',
      'Holding 100',
      'Holding 5000',
      'Holding 10000',
      'Promoting 10000',
      'Draining 0',
      'Removing 0',
      'Stable 0',
    ]);
    expect(world.status).toMatchObject({
      stableRevision: revision(specOf(0.02)),
      history: [{ kind: 'Spec', outcome: 'Promoted' }, {}],
    });
    expect(world.status?.run).toBeUndefined();
    expect(world.observe().canary).toBeUndefined();
  });

  test('stable is rolled only when the gateways serve every key from the canary', () => {
    const world = changed();
    world.runUntil(in_('Promoting'));
    const stable = world.status!.stableRevision;
    expect(stable).toBe(revision(specOf(0.01)));
    expect(intentsOf(world.wish.spec.rollout, world.status!)).toContainEqual(
      expect.objectContaining({ type: 'runTrack', track: 'stable', revision: stable }),
    );
    world.reconcile();
    expect(intentsOf(world.wish.spec.rollout, world.status!)).toContainEqual(
      expect.objectContaining({ type: 'runTrack', track: 'stable', revision: revision(specOf(0.02)) }),
    );
  });

  test('the hold is a stored time: nothing advances before it, with any number of evaluations', () => {
    const world = changed();
    world.runUntil(({ run }) => run?.eligibleAt !== undefined, 1_000);
    const { eligibleAt } = world.status!.run!;
    world.runUntil(() => world.now + 5_000 >= Date.parse(eligibleAt!), 5_000);
    expect(world.status).toMatchObject({ state: 'Holding', table: { basisPoints: 100 } });
    world.runUntil(({ table }) => table.basisPoints === 5_000, 5_000);
    expect(world.now).toBeGreaterThanOrEqual(Date.parse(eligibleAt!));
    expect(world.now).toBeLessThanOrEqual(Date.parse(eligibleAt!) + 2 * minute);
  });

  test('an edit of what is not in the revision starts nothing', () => {
    const world = servingWorld();
    world.wish = {
      spec: { ...world.wish.spec, monitoring: { ...world.wish.spec.monitoring, interval: '5s' } },
    };
    world.now += minute;
    expect(world.reconcile().state).toBe('Stable');
  });

  test('sleeps are forced, and a step does not pass without them', () => {
    const world = changed();
    world.sleepsWhenForced = false;
    world.runUntil(({ run }) => run?.stepStartedAt !== undefined);
    expect(intentsOf(world.wish.spec.rollout, world.status!)).toContainEqual({
      type: 'forceSleep',
      atLeast: 3,
    });
    world.runUntil(() => false, minute, 60);
    expect(world.status).toMatchObject({ state: 'Holding', table: { basisPoints: 100 } });
    expect(world.status!.run!.lastVerdict!.reasons).toContain('waits: 0 of 3 sleeps');
    world.sleepsWhenForced = true;
    expect(world.runUntil(in_('Stable'))).toBe(true);
  });
});

group('a failing canary', () => {
  test('is rolled back, drained, and not tried again without a retry', () => {
    const world = changed();
    world.quality = 'failing';
    const bad = revision(world.wish.spec);
    world.runUntil(({ rejectedRevisions, state }) => rejectedRevisions.length === 1 && state === 'Stable');
    expect(world.status).toMatchObject({
      state: 'Stable',
      stableRevision: revision(specOf(0.01)),
      rejectedRevisions: [{ revision: bad }],
      history: [{ outcome: 'RolledBack', revision: bad }, {}],
    });
    for (let hour = 0; hour < 100; hour++) {
      world.now += 3_600_000;
      expect(world.reconcile().state).toBe('Stable');
    }
    world.quality = 'good';
    expect(order(world, 'retry')).toMatchObject({ outcome: 'Accepted' });
    expect(world.runUntil(({ stableRevision, state }) => stableRevision === bad && state === 'Stable')).toBe(
      true,
    );
  });

  test('onFail: pause waits for a person, who may retry', () => {
    const world = changed({ onFail: 'pause' });
    world.quality = 'failing';
    world.runUntil(in_('Paused'));
    expect(world.status!.run!.pause).toMatchObject({ reason: 'Failed', from: 'Holding' });
    world.now += 48 * 60 * minute;
    expect(world.reconcile().state).toBe('Paused');
    world.quality = 'good';
    order(world, 'retry');
    expect(world.status!.run).toMatchObject({ consecutiveFailures: 0, budget: [] });
    expect(world.runUntil(in_('Stable'))).toBe(true);
    expect(world.status!.stableRevision).toBe(revision(specOf(0.02)));
  });

  test('onFail: gradualRollback goes down the steps', () => {
    const world = changed({ onFail: 'gradualRollback' });
    world.runUntil(({ table, run }) => table.basisPoints === 10_000 && run?.stepStartedAt !== undefined);
    world.quality = 'failing';
    world.decisions.length = 0;
    // At 100 % nothing is compared, so the hard limit has to speak.
    world.wish = {
      spec: specOf(0.02, {
        onFail: 'gradualRollback',
        analysis: { metrics: [{ name: 'errorRatio', limit: 0.05 }] },
      }),
    };
    world.runUntil(in_('Stable'));
    expect(story(world).filter((line) => !line.startsWith('Holding'))).toEqual([
      'RollingBack 10000',
      'RollingBack 5000',
      'RollingBack 100',
      'Draining 0',
      'Removing 0',
      'Stable 0',
    ]);
  });

  test('a canary that never starts is removed without a drain, because it never had a key', () => {
    const world = changed();
    world.canaryStarts = false;
    world.decisions.length = 0;
    expect(
      world.runUntil(({ rejectedRevisions, state }) => rejectedRevisions.length > 0 && state === 'Stable'),
    ).toBe(true);
    expect(story(world)).toEqual(['Starting 0', 'RollingBack 0', 'Removing 0', 'Stable 0']);
    expect(world.status!.rejectedRevisions[0]!.reason).toContain('vault: exit 78');
  });

  test('a canary that dies while it holds fails by the progress deadline, and stable drains its data', () => {
    const world = changed();
    world.runUntil(({ run }) => run?.stepStartedAt !== undefined);
    world.canaryStarts = false;
    world.runUntil(in_('Draining'));
    const noCopy = () => world.reconcile((intents) => intents.filter(({ type }) => type !== 'drain'));
    for (let i = 0; i < 20; i++, world.now += minute) noCopy();
    expect(world.status!.run!.rescue).toBe(true);
    expect(intentsOf(world.wish.spec.rollout, world.status!)).toContainEqual(
      expect.objectContaining({ track: 'canary', template: world.status!.stableRevision }),
    );
    expect(world.runUntil(in_('Stable'))).toBe(true);
  });

  test('a promotion that hangs rolls stable back before any key returns to it', () => {
    const world = changed();
    world.runUntil(in_('Promoting'));
    world.stableStarts = false;
    world.runUntil(in_('RollingBack'));
    world.now += 60 * minute;
    expect(world.reconcile()).toMatchObject({ state: 'RollingBack', table: { basisPoints: 10_000 } });
    world.stableStarts = true;
    world.runUntil(in_('Stable'));
    expect(world.status!.stableRevision).toBe(revision(specOf(0.01)));
  });

  test('a gateway that does not answer stops everything and loses nothing', () => {
    const world = changed();
    world.runUntil(in_('Holding'), 1_000);
    const deaf = () => world.reconcile((intents) => intents.filter(({ type }) => type !== 'publishTable'));
    for (let i = 0; i < 120; i++, world.now += minute) deaf();
    expect(world.status!.run!.stepStartedAt).toBeUndefined();
    expect(world.runUntil(in_('Stable'))).toBe(true);
  });
});

group('sources that fail', () => {
  test('an outage of the source neither advances nor rolls back', () => {
    const world = changed();
    world.runUntil(({ run }) => run?.stepStartedAt !== undefined);
    world.quality = 'unreadable';
    for (let hour = 0; hour < 200; hour++, world.now += 60 * minute) world.reconcile();
    expect(world.status).toMatchObject({ state: 'Holding', table: { basisPoints: 100 } });
    expect(world.status!.run!.consecutiveProviderErrors).toBeGreaterThan(3);
    // Counts that nobody could read are not few: no key is missed, and no sleep is forced for ever.
    expect(world.status!.run!.starved).toBe(false);
    const { intents } = decide(world.wish, world.status, world.observe(), world.instant);
    expect(intents.map(({ type }) => type)).not.toContain('forceSleep');
    world.quality = 'good';
    expect(world.runUntil(in_('Stable'))).toBe(true);
    expect(world.status!.stableRevision).toBe(revision(specOf(0.02)));
  });

  test('inconclusiveLimit pauses for a person', () => {
    const analysis = { inconclusiveLimit: 5, metrics: [{ name: 'errorRatio' }] };
    const world = changed({ analysis });
    world.quality = 'silent';
    world.runUntil(in_('Paused'));
    expect(world.status!.run!.pause).toMatchObject({ reason: 'Inconclusive' });
    world.quality = 'good';
    order(world, 'resume');
    expect(world.runUntil(in_('Stable'))).toBe(true);
  });

  test('too few keys are reported within one hold and cleared when they come', () => {
    const world = changed();
    world.requestsPerSecond = 1;
    const started = () => world.status!.run!.stepStartedAt!;
    world.runUntil(({ run }) => run?.starved === true);
    expect(world.now - Date.parse(started())).toBeLessThanOrEqual(11 * minute);
    expect(world.status!.state).toBe('Holding');
    world.requestsPerSecond = 1_000;
    world.runUntil(({ run }) => run?.starved === false);
    expect(world.runUntil(in_('Stable'))).toBe(true);
  });
});

group('gates and pauses', () => {
  test('a gate waits for an approve, and the canary is judged meanwhile', () => {
    const steps = [{ weight: 1, hold: '1m', gate: true }, { weight: 100 }];
    const world = changed({ steps });
    world.runUntil(in_('Paused'));
    expect(world.status!.run!.pause).toMatchObject({ reason: 'Gate' });
    expect(order(world, 'approve')).toMatchObject({ outcome: 'Accepted' });
    expect(world.runUntil(in_('Stable'))).toBe(true);

    const unwatched = changed({ steps });
    unwatched.runUntil(in_('Paused'));
    unwatched.quality = 'failing';
    expect(unwatched.runUntil(in_('RollingBack'))).toBe(true);
  });

  test('autoPromote: false waits for a promote', () => {
    const world = changed({ autoPromote: false });
    world.runUntil(in_('Paused'));
    expect(world.status!.run!.pause).toMatchObject({ reason: 'Promotion' });
    order(world, 'promote');
    expect(world.status!.run!.by).toBe('ada');
    expect(world.runUntil(in_('Stable'))).toBe(true);
    expect(world.status!.history[0]).toMatchObject({ outcome: 'Promoted', by: 'ada' });
  });

  test('spec.rollout.paused holds and lets go', () => {
    const world = changed();
    world.runUntil(in_('Holding'));
    world.wish = { spec: specOf(0.02, { paused: true }) };
    for (let i = 0; i < 100; i++, world.now += 60 * minute) world.reconcile();
    expect(world.status).toMatchObject({ state: 'Paused', table: { basisPoints: 100 } });
    expect(order(world, 'resume')).toMatchObject({ outcome: 'Refused' });
    world.wish = { spec: specOf(0.02) };
    expect(world.runUntil(in_('Stable'))).toBe(true);
  });

  test('a person pauses, resumes, aborts', () => {
    const world = changed();
    world.runUntil(in_('Holding'));
    order(world, 'pause');
    world.quality = 'failing';
    world.now += 60 * minute;
    expect(world.reconcile().state).toBe('Paused');
    order(world, 'resume');
    expect(world.status!.state).toBe('Holding');
    order(world, 'abort');
    world.runUntil(in_('Stable'));
    expect(world.status!.history[0]).toMatchObject({
      outcome: 'RolledBack',
      by: 'ada',
      reason: 'abort by ada: because',
    });
  });
});

group('other revisions', () => {
  test('a newer spec supersedes the run, which is drained and not rejected', () => {
    const world = changed();
    world.runUntil(in_('Holding'));
    world.wish = { spec: specOf(0.03) };
    world.runUntil(
      ({ stableRevision, state }) => stableRevision === revision(specOf(0.03)) && state === 'Stable',
    );
    expect(world.status!.history.map(({ outcome }) => outcome)).toEqual([
      'Promoted',
      'Superseded',
      'Promoted',
    ]);
    expect(world.status!.rejectedRevisions).toEqual([]);
  });

  test('a return to a kept revision needs no canary', () => {
    const world = changed();
    world.runUntil((status) => status.state === 'Stable' && status.stableRevision === revision(specOf(0.02)));
    world.wish = { spec: specOf(0.01) };
    world.decisions.length = 0;
    world.runUntil((status) => status.state === 'Stable' && status.stableRevision === revision(specOf(0.01)));
    expect(story(world)).toEqual(['Promoting 0', 'Removing 0', 'Stable 0']);
    expect(world.status!.history[0]).toMatchObject({ kind: 'Return', outcome: 'Promoted' });
  });

  test('keepRevisions bounds what an instant return is possible to', () => {
    const world = servingWorld({ keepRevisions: 1 });
    for (const rate of [0.02, 0.03, 0.04]) {
      world.wish = { spec: specOf(rate, { keepRevisions: 1 }) };
      world.runUntil(
        (status) => status.state === 'Stable' && status.stableRevision === revision(specOf(rate)),
      );
      world.now += minute;
    }
    expect(world.status!.revisions.map((kept) => kept.revision)).toEqual([
      revision(specOf(0.04)),
      revision(specOf(0.03)),
    ]);
  });
});

group('a tuning change on a canary', () => {
  const tuning = { generation: 4, parameters: { annealT0: 2.5 } };

  test('is a rollout of kind Tuning: stable adopts the values and is never restarted', () => {
    const world = servingWorld();
    world.wish = { spec: specOf(0.01), tuning };
    const stable = world.status!.stableRevision;
    world.runUntil(in_('Holding'));
    expect(rolloutInProgress(world.status)).toBe(false);
    expect(intentsOf(world.wish.spec.rollout, world.status!)).toContainEqual({
      type: 'runTrack',
      track: 'canary',
      revision: `${stable}-t4`,
      template: stable,
      parameters: { annealT0: 2.5 },
    });
    world.runUntil(in_('Stable'));
    expect(world.status).toMatchObject({
      stableRevision: stable,
      history: [{ kind: 'Tuning', tuningGeneration: 4, outcome: 'Promoted' }, {}],
    });
    expect(world.observe().adoptedTuningGeneration).toBe(4);
    world.now += 60 * minute;
    expect(world.reconcile().state).toBe('Stable');
  });

  test('a change of spec supersedes it', () => {
    const world = servingWorld();
    world.wish = { spec: specOf(0.01), tuning };
    world.runUntil(in_('Holding'));
    world.wish = { spec: specOf(0.02), tuning };
    world.runUntil((status) => status.stableRevision === revision(specOf(0.02)) && status.state === 'Stable');
    expect(world.status!.history.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['Spec', 'Promoted'],
      ['Tuning', 'Superseded'],
      ['Spec', 'Promoted'],
    ]);
    expect(world.observe().adoptedTuningGeneration).toBeUndefined();
  });

  test('a bad one is rolled back and its generation not tried again', () => {
    const world = servingWorld();
    world.wish = { spec: specOf(0.01), tuning };
    world.quality = 'failing';
    world.runUntil(({ state, history }) => state === 'Stable' && history[0]?.kind === 'Tuning');
    expect(world.status!.history[0]).toMatchObject({ outcome: 'RolledBack', tuningGeneration: 4 });
    world.now += 60 * minute;
    expect(world.reconcile().state).toBe('Stable');
    world.quality = 'good';
    world.wish = { spec: specOf(0.01), tuning: { ...tuning, generation: 5 } };
    expect(world.reconcile().state).toBe('Starting');
  });
});

group('commands', () => {
  test('an illegal one is answered with the reason and the legal ones', () => {
    const world = servingWorld();
    expect(order(world, 'promote')).toEqual({
      outcome: 'Refused',
      message: 'promote is not legal while the rollout is Stable; no command is',
    });
    world.wish = { spec: specOf(0.02) };
    world.runUntil(in_('Holding'));
    expect(order(world, 'approve')).toEqual({
      outcome: 'Refused',
      message: 'approve is not legal while the rollout is Holding; promote, pause, abort, reject are',
    });
  });

  test('an action is carried out once, however often it is seen', () => {
    const world = changed();
    world.runUntil(in_('Holding'));
    const first = order(world, 'pause', 'uid-1');
    order(world, 'resume', 'uid-2');
    expect(order(world, 'pause', 'uid-1')).toEqual(first);
    expect(world.status!.state).toBe('Holding');
    expect(world.status!.handled).toMatchObject([
      { uid: 'uid-2', action: 'resume', by: 'ada', reason: 'because', outcome: 'Accepted' },
      { uid: 'uid-1', action: 'pause' },
    ]);
  });

  test('nothing legal is a dead end: every pause has a way out', () => {
    const world = changed({ onFail: 'pause' });
    world.canaryStarts = false;
    world.runUntil(in_('Paused'));
    expect(world.status!.run!.pause!.reason).toBe('Stuck');
    expect(legalCommands(world.status!, world.wish.spec)).toEqual(['retry', 'abort', 'reject']);
    world.canaryStarts = true;
    order(world, 'retry');
    expect(world.runUntil(in_('Stable'))).toBe(true);
  });
});

test('an epoch that the gateways know and the status does not is overtaken', () => {
  const world = servingWorld();
  const epoch = world.status!.table.epoch + 40;
  world.carryOut({ type: 'publishTable', epoch, basisPoints: 0, canary: false });
  expect(world.reconcile().table.epoch).toBe(epoch + 1);
});

test('a cluster that is made anew counts its epochs from where no earlier one has come', () => {
  const world = changed();
  world.runUntil(({ history }) => history.length === 2);
  const { epoch } = world.status!.table;
  const again = decide(world.wish, undefined, world.observe(), world.instant);
  expect(again.status.table.epoch).toBeGreaterThan(epoch);
});

test('a decision is a value: the same arguments give the same one, and nothing is changed', () => {
  const world = changed();
  world.runUntil(in_('Holding'));
  const [status, observation] = [structuredClone(world.status!), world.observe()];
  const once = decide(world.wish, status, observation, world.instant);
  expect(decide(world.wish, status, observation, world.instant)).toEqual(once);
  expect(status).toEqual(world.status);
});
