import { describe, expect, test } from '@jest/globals';
import { ServiceError, type ErrorCode } from '../../common/errors.js';
import { patiently } from './patience.js';

/** A clock that moves by a step at each reading. */
function setup(stepMs: number) {
  let time = 0;
  const state = { refreshes: 0, attempts: 0 };
  const abort = new AbortController();
  const patience = {
    now: () => (time += stepMs),
    refresh: () => {
      state.refreshes++;
      return Promise.resolve();
    },
    signal: abort.signal,
  };
  const failing = (code: ErrorCode, times: number) => () => {
    if (state.attempts++ < times) return Promise.reject(new ServiceError(code, 'down'));
    return Promise.resolve('done');
  };
  return { state, patience, failing, abort };
}

describe('patiently', () => {
  test.each(['UNAVAILABLE', 'CANCELLED'] as const)(
    'outlasts %s and reads the table before each attempt',
    async (code) => {
      const { state, patience, failing } = setup(0);
      await expect(patiently(failing(code, 2), patience)).resolves.toBe('done');
      expect(state).toEqual({ refreshes: 2, attempts: 3 });
    },
  );

  test('gives up ten seconds after the first failure', async () => {
    const { state, patience, failing } = setup(5_000);
    await expect(patiently(failing('UNAVAILABLE', 99), patience)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(state.attempts).toBe(2);
  });

  test.each(['INVALID_ARGUMENT', 'ALREADY_EXISTS', 'INTERNAL', 'DEADLINE_EXCEEDED'] as const)(
    'an answer such as %s stands',
    async (code) => {
      const { state, patience, failing } = setup(0);
      await expect(patiently(failing(code, 1), patience)).rejects.toMatchObject({ code });
      expect(state.attempts).toBe(1);
    },
  );

  test('a caller that gives up is not kept waiting', async () => {
    const { patience, failing, abort } = setup(0);
    const call = patiently(failing('UNAVAILABLE', 99), patience);
    abort.abort();
    await expect(call).rejects.toThrow();
  });
});
