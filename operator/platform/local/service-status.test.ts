import { expect, test } from '@jest/globals';
import { serviceStatuses } from './service-status.js';

const report = (key: string, restarts = 0) =>
  ({ key, revision: 'a', state: { phase: 'Ready', pid: 1 }, restarts }) as const;

test('services keep their places when one was started anew, and other processes are not shown', () => {
  const programs = ['sparse-pruner', 'mcp-gateway', 'another', 'episodic-vault'];
  const statuses = serviceStatuses(programs.map((program) => report(`stable/${program}`, 1)));
  expect(statuses.map(({ name }) => name)).toEqual(['vault', 'pruner', 'gateway']);
  expect(statuses[0]).toEqual({
    name: 'vault',
    track: 'stable',
    revision: 'a',
    wanted: 1,
    ready: 1,
    restarts: 1,
  });
});
