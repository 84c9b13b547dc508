import { expect, test } from '@jest/globals';
import { grantedRights, without, type Role } from './rights.js';

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
