import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { actionType, clusterType, profileType } from '../../operator/platform/kubernetes/kinds.js';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import type { Stored } from '../../operator/reconcile/reconcile.js';
import { confirmUnchanged, OutdatedError } from '../../operator/platform/kubernetes/confirm.js';
import { apiKeySecret } from '../../operator/platform/kubernetes/render/names.js';
import type { OperatorProcess } from './operator.js';
import { quickCluster, World } from './world.js';
import { endWorld, worldSuite } from './world-suite.js';

const profile = {
  apiVersion: profileType.apiVersion,
  kind: 'TuningProfile',
  metadata: { name: 'shared', namespace: 'default' },
  spec: { mode: 'Auto' },
} as unknown as TuningProfile;

worldSuite('clusters at rest on a real API server', () => {
  let world: World;
  let operator: OperatorProcess;

  beforeAll(async () => {
    world = await World.start('nothing');
    operator = world.operator();
    await world.apply(profileType, profile);
    const ref = { tuningProfileRef: { name: 'shared' } };
    await Promise.all(['one', 'two'].map((name) => world.apply(clusterType, quickCluster(name, ref))));
    await Promise.all(['one', 'two'].map((name) => world.condition(name, 'Ready', 'True')));
  });

  afterAll(() => endWorld(world));

  const restMs = process.env['CI'] === 'true' ? 60_000 : 20_000;

  test('are not written to', async () => {
    await sleep(5_000);
    const begin = new Date();
    await sleep(restMs);
    const writes = world.writesSince(begin).map(({ verb, requestURI, responseObject }) => ({
      verb,
      requestURI,
      status: JSON.stringify(responseObject?.status).slice(0, 3_000),
    }));
    expect(writes).toEqual([]);
  });

  test('a profile shows what it does in every cluster that names it', async () => {
    const { status } = await world.until(
      'targets',
      () => world.client.get(profileType, { namespace: 'default', name: 'shared' }),
      (one) => (one.status?.targets ?? []).length === 2,
    );
    expect(
      status?.targets.map(({ cluster, parameters }) => [cluster, parameters['learningRate']?.value]),
    ).toEqual([
      ['one', 0.01],
      ['two', 0.01],
    ]);
    expect(status?.conditions).toMatchObject([{ type: 'Ready', status: 'True', message: 'tunes one, two' }]);
  });

  test('what somebody changes by hand is put back, and what is not ours is left alone', async () => {
    const sts = async () =>
      JSON.parse((await world.plane.kubectl(['get', 'sts', 'one-vault', '-o', 'json'])).stdout) as {
        metadata: { annotations: Record<string, string>; labels: Record<string, string> };
        spec: { replicas: number; template: { metadata: { annotations: Record<string, string> } } };
      };
    const restart = ['rollout', 'restart', 'deployment,statefulset', '-l', 'memory.tori.dev/cluster=one'];
    expect(await world.plane.kubectl(restart)).toMatchObject({ code: 0, stderr: '' });
    await world.plane.kubectl(['annotate', 'sts', 'one-vault', 'example.com/note=mine']);
    await world.plane.kubectl(['scale', 'sts', 'one-vault', '--replicas=0']);
    await world.plane.kubectl(['label', 'svc', 'one-vault', '--overwrite', 'memory.tori.dev/service=other']);
    const repaired = await world.until('replicas', sts, ({ spec }) => spec.replicas === 1);
    expect(repaired.metadata.annotations['example.com/note']).toBe('mine');
    expect(repaired.spec.template.metadata.annotations['kubectl.kubernetes.io/restartedAt']).toBeDefined();
    await world.until(
      'the label',
      async () => (await world.plane.kubectl(['get', 'svc', 'one-vault', '-o', 'json'])).stdout,
      (text) => text.includes('"memory.tori.dev/service": "vault"'),
    );
  });

  test('a child that somebody deletes is made again', async () => {
    for (const child of [
      'cm/one-parameters-stable',
      'svc/one-gateway',
      'deploy/one-sleep',
      'cm/one-shards',
    ]) {
      expect((await world.plane.kubectl(['delete', child, '--wait=true'])).code).toBe(0);
      await world.until(
        child,
        () => world.plane.kubectl(['get', child]),
        ({ code }) => code === 0,
      );
    }
    await world.condition('one', 'Ready', 'True');
  });

  test('a changed profile reaches both clusters, in status and in what their pods start with', async () => {
    const pinned = { ...profile, spec: { mode: 'Auto', parameters: { learningRate: { pin: 0.02 } } } };
    await world.apply(profileType, pinned as unknown as TuningProfile);
    for (const name of ['one', 'two']) {
      const cluster = await world.until(
        'the pin',
        () => world.cluster(name),
        ({ status }) => status?.tuning?.parameters.learningRate.value === 0.02,
      );
      expect(cluster.status?.tuning?.parameters.learningRate.source).toBe('Pin');
      await world.until(
        'the parameters',
        async () =>
          (await world.plane.kubectl(['get', 'cm', `${name}-parameters-stable`, '-o', 'yaml'])).stdout,
        (text) => /LEARNING_RATE: "?0\.02"?/.test(text),
      );
    }
  });

  test('a Secret that a changed spec asks for is made at once', async () => {
    const own = { services: { gateway: { apiKeySecret: { name: 'my-key', key: 'key' } } } };
    const made = () => world.plane.kubectl(['get', 'secret', apiKeySecret('keyed').name]);
    await world.plane.kubectl(['create', 'secret', 'generic', 'my-key', '--from-literal=key=mine']);
    await world.apply(clusterType, quickCluster('keyed', own));
    await world.condition('keyed', 'Ready', 'True');
    expect((await made()).stderr).toContain('not found');
    await world.apply(clusterType, quickCluster('keyed'));
    await world.until('the key', made, ({ code }) => code === 0);
  });

  test('a cluster that has changed since it was decided on is told from one that has not', async () => {
    const { signal } = new AbortController();
    const decidedOn = (await world.cluster('two')) as Stored<MemoryCluster>;
    await expect(confirmUnchanged(world.client, decidedOn, signal)).resolves.toBeUndefined();
    await world.plane.kubectl(['annotate', 'mc', 'two', 'example.com/note=changed']);
    await expect(confirmUnchanged(world.client, decidedOn, signal)).rejects.toThrow(OutdatedError);
  });

  test('a changed number of gateways is scaled in place, without a canary', async () => {
    const ref = { tuningProfileRef: { name: 'shared' } };
    await world.apply(clusterType, quickCluster('two', { ...ref, services: { gateway: { replicas: 3 } } }));
    const { status } = await world.until(
      'three gateways',
      () => world.cluster('two'),
      (cluster) => cluster.status?.services.find(({ name }) => name === 'gateway')?.ready === 3,
    );
    expect(status?.rollout?.history.length).toBe(1);
  });

  test('a spec that this platform cannot run is told, and what runs is left as it is', async () => {
    const storage = { engine: 'postgres', postgresSecret: { name: 'db', key: 'url' } };
    await world.apply(clusterType, quickCluster('refused', { storage }));
    const { status } = await world.condition('refused', 'Stalled', 'True');
    expect(status?.message).toMatch(/spec\.storage\.engine: Invalid value: "postgres": this release keeps/);
    const { stdout } = await world.plane.kubectl([
      'get',
      'sts',
      '-l',
      'memory.tori.dev/cluster=refused',
      '-o',
      'name',
    ]);
    expect(stdout).toBe('');
  });

  test('an action on a cluster that is being deleted is answered when it is gone', async () => {
    const leaving = quickCluster('leaving');
    const metadata = { ...leaving.metadata, finalizers: ['example.com/hold'] };
    await world.apply(clusterType, { ...leaving, metadata });
    await world.condition('leaving', 'Ready', 'True');
    const ref = { namespace: 'default', name: 'leaving' };
    await world.client.delete(clusterType, ref);
    await world.act('late', 'pause', 'leaving');
    await sleep(2_000);
    await world.client.patch(clusterType, ref, { metadata: { finalizers: null } }, { type: 'merge' });
    const { status } = await world.until(
      'an answer',
      () => world.client.get(actionType, { namespace: 'default', name: 'late' }),
      (action) => action.status !== undefined,
    );
    expect(status).toMatchObject({ outcome: 'Refused', message: 'there is no MemoryCluster leaving' });
  });

  test('a deleted cluster takes its children along and leaves its volumes', async () => {
    await world.client.delete(clusterType, { namespace: 'default', name: 'two' });
    await world.until(
      'nothing left',
      async () =>
        (
          await world.plane.kubectl([
            'get',
            'sts,deploy,svc,cm,secret,sa,netpol',
            '-o',
            'name',
            '-l',
            'memory.tori.dev/cluster=two',
          ])
        ).stdout,
      (text) => text === '',
    );
    const { stdout } = await world.plane.kubectl([
      'get',
      'pvc',
      '-o',
      'name',
      '-l',
      'memory.tori.dev/cluster=two',
    ]);
    expect(stdout.trim().split('\n').length).toBe(3);
  });

  test('an operator that is stopped gives the lease back and ends with 0', async () => {
    expect(await operator.stop()).toBe(0);
    const { stdout } = await world.plane.kubectl([
      'get',
      'lease',
      'tori-operator',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    ]);
    expect(stdout).toBe('');
  });
});
