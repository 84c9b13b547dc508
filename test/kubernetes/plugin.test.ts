import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { kubectlProgram } from '../../cli/kubectl/program.js';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import { rolloutStateNames, type RolloutState } from '../../operator/api/rollout-status.js';
import { tori as runIn, type Answer } from '../cli/captured-terminal.js';
import { reported, worldIn } from '../cli/reported.js';
import { tuningOf } from '../cli/tuning.js';
import { programs } from '../cluster/binaries.js';
import { type Cluster, clusterMissing, installCrds, openCluster } from '../cluster/cluster.js';
import { packageRoot } from '../harness/local-cluster.js';
import { template } from './helm.js';
import { describeWith } from '../harness/needs.js';

const suite = describeWith(clusterMissing());
const namespace = 'agents';

let cluster: Cluster;
/** Kubeconfigs of users: ada may edit, bob may approve, eve may look. */
const users: Record<'ada' | 'bob' | 'eve', string> = { ada: '', bob: '', eve: '' };
const nameOf = (state: RolloutState) => `in-${state.toLowerCase()}`;

async function admin(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** The plugin in this process, as a user. */
async function plugin(user: keyof typeof users, ...args: string[]): Promise<Answer> {
  return runIn([...args, '--kubeconfig', users[user], '-n', namespace], { program: kubectlProgram });
}

/** The plugin as people start it: kubectl finds it on the PATH. */
async function kubectl(user: keyof typeof users, ...args: string[]): Promise<Answer> {
  const [path] = programs('kubectl');
  const env = {
    ...process.env,
    PATH: `${join(cluster.folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    KUBECONFIG: users[user],
  };
  return new Promise((resolve) => {
    execFile(path, args, { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

/** Writes a cluster and the status that the operator reports for it. */
async function store(name: string, of: MemoryCluster): Promise<void> {
  const { apiVersion, kind, spec } = of;
  await admin(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion, kind, metadata: { name, namespace }, spec }),
  );
  const status = { ...of.status, observedGeneration: 1 };
  await patchStatus('mc', name, status);
}

async function patchStatus(kind: string, name: string, status: object): Promise<void> {
  const patch = JSON.stringify({ status });
  await admin(['patch', kind, name, '-n', namespace, '--subresource=status', '--type=merge', '-p', patch]);
}

/** Answers the next action as the operator does. @returns its spec */
async function answer(outcome: 'Accepted' | 'Refused', message: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { items } = JSON.parse(await admin(['get', 'ma', '-n', namespace, '-o', 'json'])) as {
      items: { metadata: { name: string }; spec: Record<string, unknown>; status?: object }[];
    };
    const open = items.find(({ status }) => status === undefined);
    if (open !== undefined) {
      const handledAt = new Date().toISOString();
      const status = { observedGeneration: 1, outcome, message, handledAt, conditions: [] };
      await patchStatus('ma', open.metadata.name, status);
      return open.spec;
    }
    await sleep(100);
  }
}

suite('kubectl tori', () => {
  beforeAll(async () => {
    cluster = await openCluster();
    await installCrds(cluster);
    await admin(['create', 'namespace', namespace]);
    const rendered = await template(
      '--set=fullnameOverride=tori-memory',
      '--show-only=templates/rbac/users.yaml',
      '--show-only=templates/admission-policy.yaml',
    );
    await admin(['apply', '-f', '-'], rendered);
    const roles = { ada: ['view', 'edit'], bob: ['view', 'approve'], eve: [] };
    for (const [user, granted] of Object.entries(roles)) {
      await admin(['create', 'serviceaccount', user, '-n', namespace]);
      for (const role of granted) {
        const subject = `--serviceaccount=${namespace}:${user}`;
        const clusterRole = `--clusterrole=tori-memory-${role}`;
        await admin(['create', 'rolebinding', `${user}-${role}`, clusterRole, subject, '-n', namespace]);
      }
      const token = (await admin(['create', 'token', user, '-n', namespace])).trim();
      users[user as keyof typeof users] = cluster.kubeconfigOf(user, token);
    }
    mkdirSync(join(cluster.folder, 'bin'));
    for (const name of ['kubectl-tori', 'kubectl_complete-tori']) {
      symlinkSync(join(packageRoot, 'bin', `${name}.js`), join(cluster.folder, 'bin', name));
    }
    for (const state of rolloutStateNames) await store(nameOf(state), reported(worldIn(state)));
  });
  afterAll(async () => {
    await cluster.stop();
  });

  describe('status', () => {
    test.each(rolloutStateNames)('shows a cluster in %s, with nothing lost on the way', async (state) => {
      const expected = reported(worldIn(state)).status;
      const text = await plugin('ada', 'status', nameOf(state));
      expect(text).toMatchObject({ code: 0, stderr: '' });
      expect(text.stdout).toContain(`${namespace}/${nameOf(state)}  MemoryCluster  ${expected!.phase}\n`);
      expect(text.stdout).toContain(`├─ rollout  ${state}`);
      const { stdout } = await plugin('ada', 'status', nameOf(state), '-o', 'json');
      expect(JSON.parse(stdout)).toMatchObject({
        rollout: expected!.rollout,
        conditions: expected!.conditions,
        services: expected!.services,
      });
    });

    test('is found by kubectl on the PATH, in the namespace that is asked for', async () => {
      const shown = await kubectl('ada', 'tori', 'status', nameOf('Holding'), '-n', namespace);
      expect(shown).toMatchObject({ code: 0, stderr: '' });
      expect(shown.stdout).toContain('commands now: promote, pause, abort, reject');
      expect(shown.stdout).toContain('(kubectl tori promote in-holding --reason "…")');
      expect(await kubectl('ada', 'tori', 'status', 'absent', '-n', namespace)).toMatchObject({
        code: 3,
        stderr: 'there is no MemoryCluster named "absent"\n',
      });
    });

    test('lists several clusters in a line each', async () => {
      const { code, stdout } = await plugin('ada', 'status');
      expect(code).toBe(0);
      expect(stdout).toMatch(/^NAMESPACE +NAME +PHASE +STABLE +CANARY +WEIGHT +STEP +VERDICT +LEFT +NEXT$/m);
      expect(stdout).toMatch(/^agents +in-holding +Canary .* 1% +1\/3 +pass /m);
    });

    test('of every namespace needs the right for it', async () => {
      const refused = await plugin('ada', 'status', '-A');
      expect(refused).toMatchObject({ code: 4 });
      expect(refused.stderr).toContain('you may not list MemoryCluster in every namespace');
      const all = await runIn(['status', '-A', '--kubeconfig', cluster.kubeconfig], {
        program: kubectlProgram,
      });
      expect(all.stdout).toContain('in-holding');
    });

    test.each([
      ['Stable', 0],
      ['RollingBack', 11],
      ['Holding', 12],
    ] as const)('--timeout in %s ends with %d', async (state, code) => {
      const ended = await kubectl('ada', 'tori', 'status', nameOf(state), '-n', namespace, '--timeout', '1s');
      expect(ended.code).toBe(code);
      expect(ended.stdout).toContain(`rollout  ${state}`);
    });

    test('--watch --timeout follows a rollout to its end', async () => {
      await store('followed', reported(worldIn('Promoting')));
      const followed = plugin('ada', 'status', 'followed', '--watch', '--timeout', '60s');
      const world = worldIn('Promoting');
      world.runUntil(({ state }) => state === 'Stable');
      await sleep(1_000);
      const { status } = reported(world);
      await patchStatus('mc', 'followed', {
        ...status,
        observedGeneration: 1,
        rollout: { ...status?.rollout, run: null },
        canary: null,
      });
      const { code, stdout } = await followed;
      expect(code).toBe(0);
      expect(stdout.indexOf('rollout  Promoting')).toBeGreaterThan(-1);
      expect(stdout.lastIndexOf('rollout  Stable')).toBeGreaterThan(stdout.indexOf('rollout  Promoting'));
    });
  });

  test('explain gives the numbers of the last verdict and the commands that are legal', async () => {
    const { code, stdout } = await plugin('ada', 'explain', nameOf('RollingBack'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/errorRatio +fail +0\.0001 \(n=10000\) +0\.15 \(n=10000\) +0\.142 to 0\.158/);
    expect(stdout).toContain('kubectl tori abort in-rollingback --reason "…"');
  });

  describe('commands', () => {
    test('an approver promotes: the record names the user and the reason, the answer is told', async () => {
      const promoting = kubectl(
        'bob',
        'tori',
        'promote',
        nameOf('Holding'),
        '-n',
        namespace,
        '--reason',
        'checked',
      );
      expect(await answer('Accepted', 'promote: Holding → Promoting')).toEqual({
        action: 'promote',
        target: { kind: 'MemoryCluster', name: nameOf('Holding') },
        reason: 'checked',
        requestedBy: `system:serviceaccount:${namespace}:bob`,
      });
      expect(await promoting).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          /^memoryaction\/in-holding-promote-\w+: promote: Holding → Promoting\n$/,
        ),
      });
    });

    test('what the operator refuses ends with 4 and its reason', async () => {
      const resuming = plugin('bob', 'resume', nameOf('Holding'), '--reason', 'go');
      await answer('Refused', 'resume is not legal while the rollout is Holding; promote, pause are');
      expect(await resuming).toMatchObject({
        code: 4,
        stdout: '',
        stderr: expect.stringContaining('resume of in-holding is refused: resume is not legal while'),
      });
    });

    test('given twice before it is answered is one object', async () => {
      const give = () => plugin('bob', 'pause', nameOf('Holding'), '--reason', 'night', '--no-wait');
      const [a, b] = await Promise.all([give(), give()]);
      expect(a.stdout).toMatch(/^memoryaction\/in-holding-pause-\w+\n$/);
      expect(b.stdout).toBe(a.stdout);
      const third = await give();
      expect(third.stdout).toBe(a.stdout);
      expect(third.stderr).toContain('asks for that already');
      await answer('Accepted', 'pause: Holding → Paused');
      const later = await give();
      expect(later.stdout).not.toBe(a.stdout);
      await answer('Accepted', 'pause: Holding → Paused');
    });

    test('without an answer ends with 5 and says where to look', async () => {
      const { code, stderr } = await plugin(
        'bob',
        'abort',
        nameOf('Holding'),
        '--reason',
        'x',
        '--wait',
        '1',
      );
      expect(code).toBe(5);
      expect(stderr).toContain('kubectl get pods -A -l app.kubernetes.io/name=tori-memory');
      await answer('Accepted', 'abort: Holding → RollingBack');
    });

    test('who may edit but not approve cannot promote, and is told which role can', async () => {
      const { code, stdout, stderr } = await plugin(
        'ada',
        'promote',
        nameOf('Holding'),
        '--reason',
        'please',
      );
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toContain('you may not create MemoryAction in namespace agents');
      expect(stderr).toContain('tori-memory-approve');
    });

    test("nobody can write another's name into the record", async () => {
      const action = {
        apiVersion: 'memory.tori.dev/v1alpha1',
        kind: 'MemoryAction',
        metadata: { name: 'forged', namespace },
        spec: { action: 'abort', target: { name: nameOf('Holding') }, requestedBy: 'alice' },
      };
      const file = join(cluster.folder, 'forged.json');
      writeFileSync(file, JSON.stringify(action));
      const forge = () => kubectl('bob', 'create', '-f', file);
      let refused = await forge();
      // The policy takes a moment until it is in force.
      for (let tries = 0; refused.code === 0 && tries < 50; tries++) {
        await admin(['delete', 'ma', 'forged', '-n', namespace]);
        await sleep(200);
        refused = await forge();
      }
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain('spec.requestedBy must be the user who makes the action');
    });
  });

  describe('tuning', () => {
    const name = 'tuned';
    beforeAll(async () => {
      const profile = {
        apiVersion: 'memory.tori.dev/v1alpha1',
        kind: 'TuningProfile',
        metadata: { name, namespace },
      };
      await admin(['apply', '-f', '-'], JSON.stringify({ ...profile, spec: { mode: 'Auto' } }));
      const world = worldIn('Stable');
      const of = reported(world, { tuning: tuningOf(world.now) });
      await store(name, { ...of, spec: { ...of.spec, tuningProfileRef: { name } } });
    });

    const pinOf = async () =>
      admin(['get', 'tp', name, '-n', namespace, '-o', 'jsonpath={.spec.parameters.dmdRank.pin}']);

    test('pin fixes a parameter and gives it back', async () => {
      expect(await plugin('ada', 'pin', name, 'dmdRank=75')).toMatchObject({
        code: 0,
        stdout: `tuningprofile/${name}: dmdRank is pinned to 75\n`,
      });
      expect(await pinOf()).toBe('75');
      expect((await plugin('ada', 'pin', name, 'dmdRank-')).code).toBe(0);
      expect(await pinOf()).toBe('');
    });

    test('pin --dry-run prints a patch that applies, and changes nothing', async () => {
      const { code, stdout } = await plugin('ada', 'pin', name, 'dmdRank=75', '--dry-run');
      expect(code).toBe(0);
      expect(parse(stdout)).toEqual({
        apiVersion: 'memory.tori.dev/v1alpha1',
        kind: 'TuningProfile',
        metadata: { name, namespace },
        spec: { parameters: { dmdRank: { pin: 75 } } },
      });
      expect(await pinOf()).toBe('');
    });

    test('export prints tuned values that have proved themselves, and applies', async () => {
      const { code, stdout } = await plugin('ada', 'export', name);
      expect(code).toBe(0);
      expect(parse(stdout)).toMatchObject({
        kind: 'TuningProfile',
        metadata: { name, namespace },
        spec: { parameters: { learningRate: { start: 0.005 } } },
      });
      // 2.5 is on trial: it is not a value to adopt.
      expect(stdout).not.toContain('2.5');
      const file = join(cluster.folder, 'export.yaml');
      writeFileSync(file, stdout);
      await admin(['patch', 'tp', name, '-n', namespace, '--type=merge', '--patch-file', file]);
      const explicit = await plugin('ada', 'export', name, '--as', 'parameters');
      expect(parse(explicit.stdout)).toMatchObject({
        kind: 'MemoryCluster',
        spec: { services: { sleep: { parameters: { learningRate: 0.005 } } } },
      });
    });

    test('history tells rollouts and adjustments with evidence and outcome', async () => {
      const { stdout } = await plugin('ada', 'history', name);
      expect(stdout).toMatch(/tuning +learningRate +0\.01 → 0\.005 \(energy-oscillates\) +tuner +Kept/);
      expect(stdout).toMatch(/rollout +\w+ +- +operator +Promoted +the first revision serves/);
      const { entries } = JSON.parse((await plugin('ada', 'history', name, '-o', 'json')).stdout) as {
        entries: { kind: string; evidence?: { value: number } }[];
      };
      expect(entries.find(({ kind }) => kind === 'tuning')).toMatchObject({
        rule: 'energy-drop-low',
        evidence: { value: 0.031, threshold: 0.05 },
        outcome: 'OnTrial',
      });
    });
  });

  test.each([
    [['statu'], 2, 'Did you mean status'],
    [['status', 'a', 'b'], 2, 'too many arguments'],
    [['status', 'absent'], 3, 'there is no MemoryCluster named "absent"'],
    [['status', '-A', 'in-stable'], 2, '-A lists every cluster'],
    [['status', 'in-stable', '--timeout', 'soon'], 2, '"soon" is not a duration such as 90s'],
    [['status', 'in-stable', '-o', 'xml'], 2, 'Allowed choices are table, wide, json, yaml'],
    [['promote', 'in-stable'], 2, "required option '--reason <text>' not specified"],
    [['promote', '--reason', 'x'], 2, 'name one of the clusters: '],
    [['pin', 'tuned', 'dmdRnk=5'], 2, 'did you mean "dmdRank"'],
    [['pin', 'tuned', 'dmdRank=many'], 2, 'dmdRank: "many" is not accepted; expected a number'],
    [['pin', 'tuned', 'dmdRank=5000'], 4, 'spec.parameters.dmdRank.pin: Invalid value: 5000'],
    [['pin', 'absent', 'dmdRank=50'], 3, 'there is no TuningProfile named "absent"'],
    [['simulate', 'tuned'], 2, 'name the samples: --prometheus URL or --samples FILE'],
    [['simulate', 'tuned', '--samples', '/nowhere'], 3, '/nowhere'],
    [['simulate', 'tuned', '--prometheus', 'metrics:9090'], 2, 'expected http:// or https://'],
    [['status', '--context', 'nowhere'], 78, 'kubeconfig: '],
  ])('%j ends with %d and a clear line', async (args, code, message) => {
    const { stdout, ...ended } = await plugin('ada', ...args);
    expect(ended).toEqual({ code, stderr: expect.stringContaining(message) });
    expect(stdout).toBe('');
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });

  test.each([
    [['sta'], 'status\n'],
    [['status', 'in-h'], 'in-holding\n'],
    [['status', '--ti'], '--timeout\n'],
    [['pin', 't'], 'tuned\n'],
    [['pin', 'tuned', 'dmd'], 'dmdRank=\n'],
    [['version', ''], ''],
  ])('the shell completes %j', async (words, offered) => {
    const place = ['--kubeconfig', users.ada, '-n', namespace];
    const { code, stdout } = await kubectl('ada', '__complete', 'tori', ...place, ...words);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${offered}:4\n` });
  });

  test('who has no role at all is told which one to ask for', async () => {
    const { code, stderr } = await plugin('eve', 'status', nameOf('Stable'));
    expect(code).toBe(4);
    expect(stderr).toContain('you may not get MemoryCluster in namespace agents: the role tori-memory-view');
  });

  test('a server that is not there, and a kubeconfig that is not there, are told in a line', async () => {
    const away = join(cluster.folder, 'away.kubeconfig');
    writeFileSync(
      away,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'x', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'x', user: { token: 't' } }],
        contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
        'current-context': 'x',
      }),
    );
    expect(await runIn(['status', '--kubeconfig', away], { program: kubectlProgram })).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('the API server does not answer'),
    });
    expect(await runIn(['status', '--kubeconfig', '/nowhere'], { program: kubectlProgram })).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('kubeconfig: '),
    });
  });
});
