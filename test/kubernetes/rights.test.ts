import { expect, test } from '@jest/globals';
import { grantedRights, refusalsIn, without, type Role } from './rights.js';

const role: Role = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'r' },
  rules: [
    { apiGroups: [''], resources: ['pods', 'services'], verbs: ['list', 'watch'] },
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] },
  ],
};

test('a role without a right has all its others', () => {
  const all = grantedRights(role);
  expect(all).toEqual([
    'list /pods',
    'list /services',
    'watch /pods',
    'watch /services',
    'patch apps/deployments',
  ]);
  for (const taken of all) {
    expect(new Set(grantedRights(without(role, taken)))).toEqual(new Set(all.filter((one) => one !== taken)));
  }
});

test('the words of a refusal name the right that was missing, in a log as well', () => {
  const words =
    'services is forbidden: User "u" cannot create resource "services" in API group "" in the namespace "n"';
  const log = JSON.stringify({ err: { message: words } });
  expect([...refusalsIn(words)]).toEqual(['create /services']);
  expect([...refusalsIn(log)]).toEqual(['create /services']);
  expect([...refusalsIn("can't set finalizers on resources you cannot get")]).toEqual([
    'update memory.tori.dev/memoryclusters/finalizers',
  ]);
  expect(refusalsIn('nothing of the kind').size).toBe(0);
});
