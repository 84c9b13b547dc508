import { expect, test } from '@jest/globals';
import { setConditions } from './conditions.js';
import { statusProblems, type WithStatus } from './kstatus.js';
import type { Condition } from './resource.js';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const said = (second: number, generation = 1) => ({ generation, now: at(second) });
const ready = (status: Condition['status'], message = 'm') => ({
  type: 'Ready',
  status,
  reason: 'Serving',
  message,
});

test('the transition time moves with the status and with nothing else', () => {
  const first = setConditions([], [ready('True')], said(0));
  const reworded = setConditions(first, [ready('True', 'other words')], said(5, 2));
  expect(reworded[0]).toMatchObject({
    lastTransitionTime: at(0).toISOString(),
    message: 'other words',
    observedGeneration: 2,
  });
  const flipped = setConditions(reworded, [ready('False')], said(9, 2));
  expect(flipped[0]?.lastTransitionTime).toBe(at(9).toISOString());
});

test('a condition that is no longer wanted goes', () => {
  const stalled = { type: 'Stalled', status: 'True', reason: 'RolledBack', message: 'm' } as const;
  const before = setConditions([], [ready('False'), stalled], said(0));
  expect(setConditions(before, [ready('True')], said(1)).map(({ type }) => type)).toEqual(['Ready']);
});

const condition = (type: string, status: Condition['status'], more: Partial<Condition> = {}): Condition => ({
  type,
  status,
  reason: 'R',
  message: 'm',
  lastTransitionTime: at(0).toISOString(),
  observedGeneration: 2,
  ...more,
});
const withConditions = (...conditions: Condition[]): WithStatus => ({
  metadata: { generation: 2 },
  status: { observedGeneration: 2, conditions },
});
const sound = condition('Ready', 'True');

test.each<[string, WithStatus]>([
  ['K1', { metadata: { generation: 1 } }],
  ['K2', { metadata: {}, status: { observedGeneration: '2', conditions: [sound] } }],
  ['K3', { metadata: { generation: 1 }, status: { observedGeneration: 2, conditions: [sound] } }],
  ['K4', withConditions()],
  ['K5', withConditions(sound, condition('Stalled', 'True'))],
  ['K6', withConditions(sound, condition('Reconciling', 'True'))],
  [
    'K7',
    withConditions(
      condition('Ready', 'False'),
      condition('Stalled', 'True'),
      condition('Reconciling', 'True'),
    ),
  ],
  ['K8', withConditions(sound, condition('Paused', 'False'))],
  ['K9', withConditions(condition('Ready', 'True', { observedGeneration: 1 }))],
  ['K10', withConditions(sound, sound)],
  ['K11', withConditions(condition('Ready', 'True', { message: '' }))],
])('%s is found', (rule, resource) => {
  expect(statusProblems(resource).map((problem) => problem.split(':')[0])).toContain(rule);
});

test('a sound status has no problem', () => {
  expect(statusProblems(withConditions(sound, condition('Paused', 'True')))).toEqual([]);
});
