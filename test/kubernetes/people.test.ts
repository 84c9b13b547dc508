import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Cluster, clusterMissing, installCrds, openCluster } from '../cluster/cluster.js';
import { must, template, until } from './helm.js';
import { describeWith } from '../harness/needs.js';

const suite = describeWith(clusterMissing());

/** Who is given what: two by the built-in roles, into which ours are taken up, and one by ours alone. */
const people: Readonly<Record<string, readonly string[]>> = {
  vera: ['view'],
  eddie: ['edit'],
  ada: ['view', 'tori-tori-memory-approve'],
};

suite('people on a cluster with the chart’s roles', () => {
  let cluster: Cluster;
  let made = 0;

  const as = (user: string, args: readonly string[], input?: string) =>
    cluster.kubectl([...args, '--namespace=team', `--as=${user}`], input);
  const promote = (user: string, requestedBy: string) =>
    as(user, ['create', '--filename=-'], action(`promote-${made++}`, requestedBy));
  const may = async (user: string, verb: string, ...what: readonly string[]) =>
    (await as(user, ['auth', 'can-i', verb, ...what])).stdout.trim() === 'yes';

  beforeAll(async () => {
    cluster = await openCluster({ controllers: true });
    await installCrds(cluster);
    const roles = await template(
      '--show-only=templates/rbac/users.yaml',
      '--show-only=templates/admission-policy.yaml',
    );
    await must(cluster.kubectl(['apply', '--filename=-'], roles));
    await must(cluster.kubectl(['create', 'namespace', 'team']));
    for (const [user, given] of Object.entries(people)) {
      for (const role of given) {
        const binding = ['create', 'rolebinding', `${user}-${role}`, '--namespace=team'];
        await must(cluster.kubectl([...binding, `--clusterrole=${role}`, `--user=${user}`]));
      }
    }
    const manifest =
      'apiVersion: memory.tori.dev/v1alpha1\nkind: MemoryCluster\nmetadata: { name: memory }\nspec: { version: 1.0.0 }\n';
    await must(cluster.kubectl(['apply', '--namespace=team', '--filename=-'], manifest));
    await until(() => may('eddie', 'update', 'memoryclusters.memory.tori.dev'));
    await until(async () => (await promote('ada', 'nobody-yet')).stderr.includes('requestedBy'));
  });
  afterAll(() => cluster.stop());

  test('who views reads everything of the group and changes nothing', async () => {
    expect((await as('vera', ['get', 'mc,tp,ma'])).code).toBe(0);
    const edit = ['patch', 'mc', 'memory', '--type=merge', '--patch={"spec":{"version":"2.0.0"}}'];
    expect((await as('vera', edit)).stderr).toContain('is forbidden');
    expect((await as('vera', ['delete', 'mc', 'memory'])).stderr).toContain('is forbidden');
    expect((await promote('vera', 'vera')).stderr).toContain('is forbidden');
  });

  test('who edits changes specs, and cannot promote', async () => {
    const edit = ['patch', 'mc', 'memory', '--type=merge', '--patch={"spec":{"version":"2.0.0"}}'];
    expect((await as('eddie', edit)).code).toBe(0);
    const { code, stderr } = await promote('eddie', 'eddie');
    expect(code).not.toBe(0);
    expect(stderr).toContain('User "eddie" cannot create resource "memoryactions"');
    expect(await may('eddie', 'update', 'memoryclusters.memory.tori.dev', '--subresource=status')).toBe(
      false,
    );
    expect(await may('eddie', 'delete', 'memoryactions.memory.tori.dev')).toBe(false);
  });

  test('who approves makes actions in the own name and in no other', async () => {
    expect((await promote('ada', 'ada')).code).toBe(0);
    for (const name of ['eddie', 'unknown', '']) {
      const { code, stderr } = await promote('ada', name);
      expect(code).not.toBe(0);
      expect(stderr).toContain(`spec.requestedBy must be the user who makes the action, ada, not ${name}`);
    }
    expect(await may('ada', 'update', 'memoryclusters.memory.tori.dev')).toBe(false);
    expect(await may('ada', 'delete', 'memoryactions.memory.tori.dev')).toBe(false);
  });

  test('an account of a pod is verified by its token like a person', async () => {
    await must(cluster.kubectl(['create', 'serviceaccount', 'pipeline', '--namespace=team']));
    const binding = ['create', 'rolebinding', 'pipeline', '--namespace=team'];
    await must(
      cluster.kubectl([
        ...binding,
        '--clusterrole=tori-tori-memory-approve',
        '--serviceaccount=team:pipeline',
      ]),
    );
    const token = await must(cluster.kubectl(['create', 'token', 'pipeline', '--namespace=team']));
    const kubeconfig = cluster.kubeconfigOf('pipeline', token.trim());
    const create = (by: string) =>
      cluster.kubectl(
        [`--kubeconfig=${kubeconfig}`, 'create', '--namespace=team', '--filename=-'],
        action(`promote-${made++}`, by),
      );
    await until(async () => (await create('system:serviceaccount:team:pipeline')).code === 0);
    expect((await create('ada')).stderr).toContain('must be the user who makes the action');
  });

  test('an action that was made cannot be changed, not even by an administrator', async () => {
    const made = await must(cluster.kubectl(['get', 'ma', '--namespace=team', '--output=name']));
    const [first] = made.split('\n');
    const change = [
      'patch',
      first!,
      '--namespace=team',
      '--type=merge',
      '--patch={"spec":{"requestedBy":"eddie"}}',
    ];
    expect((await cluster.kubectl(change)).stderr).toContain('a MemoryAction cannot be changed');
  });
});

const action = (name: string, requestedBy: string) =>
  JSON.stringify({
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'MemoryAction',
    metadata: { name },
    spec: { action: 'promote', target: { name: 'memory' }, reason: 'it looks good', requestedBy },
  });
