import { expect, test } from '@jest/globals';
import { definitions } from '../../operator/api/definitions.js';
import { valuesAt } from './json-path.js';

const resource = {
  metadata: { name: 'demo' },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Paused', status: 'False', reason: null },
    ],
    targets: [{ cluster: 'a', value: 0 }, { cluster: 'b' }],
  },
};

test.each([
  ['.metadata.name', ['demo']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  ['.status.conditions[?(@.type=="Paused")].reason', []],
  ['.status.conditions[?(@.type=="Absent")].status', []],
  ['.status.targets[*].cluster', ['a', 'b']],
  ['.status.targets[0].value', [0]],
  ['.status.targets[7].value', []],
  ['.metadata.name.length.more', []],
  ['.absent.deep[0]', []],
])('%s', (path, expected) => {
  expect(valuesAt(resource, path)).toEqual(expected);
});

test('understands every printer column', () => {
  const steps = /^(\.[\w-]+|\[\d+\]|\[\*\]|\[\?\(@\.[\w-]+=="[^"]*"\)\])+$/;
  const paths = definitions.flatMap(({ columns }) => columns.map(({ jsonPath }) => jsonPath));
  expect(paths.filter((path) => !steps.test(path))).toEqual([]);
});
