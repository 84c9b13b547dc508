import { expect, test } from '@jest/globals';
import type { TuningProfile } from '../api/tuning-profile.js';
import { tunableParameters, type TuningStatus } from '../api/tuning-status.js';
import { profileStatus } from './profile-status.js';

const parameter = { value: 1, source: 'Base', state: { phase: 'Steady' } };
const tuning = {
  parameters: Object.fromEntries(tunableParameters.map((name) => [name, parameter])),
} as unknown as TuningStatus;
const statusOf = (count: number) => {
  const users = Array.from({ length: count }, (_, k) => ({
    name: `c${String(k).padStart(4, '0')}`,
    status: { tuning },
  }));
  return profileStatus({} as TuningProfile, 1, users.reverse(), new Date(0));
};

test('clusters are shown by name, and a thousand of them leave the status small', () => {
  expect(statusOf(2).targets.map(({ cluster }) => cluster)).toEqual(['c0000', 'c0001']);
  const { targets, conditions } = statusOf(1_000);
  expect(targets).toHaveLength(100);
  expect(targets.at(-1)?.cluster).toBe('c0099');
  expect(conditions).toMatchObject([
    { message: 'tunes c0000, c0001, c0002, c0003, c0004 and 995 more', status: 'True' },
  ]);
});
