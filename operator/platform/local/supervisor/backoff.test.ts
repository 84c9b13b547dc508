import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { afterDeath, defaultRestartPolicy, noDeaths } from './backoff.js';

test('the delay doubles with every death in a row and stops at the maximum', () => {
  let history = noDeaths;
  const delays: number[] = [];
  for (let death = 0; death < 10; death++) {
    history = afterDeath(history, 100, 1_000);
    delays.push(history.notBefore - 1_000);
  }
  expect(delays).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
});

test('a process that lived long enough restarts quickly again, whatever came before', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.nat(1_000_000), (deaths, extra) => {
      const after = afterDeath({ deaths, notBefore: 0 }, defaultRestartPolicy.resetAfterMs + extra, 5_000);
      expect(after).toEqual({ deaths: 1, notBefore: 5_200 });
    }),
  );
});
