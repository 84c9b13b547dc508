import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot, startLocalCluster, type LocalCluster } from '../harness/local-cluster.js';
import { describeWith } from '../harness/needs.js';

const built = existsSync(join(packageRoot, 'dist', 'cli', 'main.js'));

/** What 0.1.0 answered before it was stopped. */
const before = {
  recalled: [
    { id: 'load-13p7dja-70', score: 5.149150593448138 },
    { id: 'load-13p7dja-7', score: 5.068518311465359 },
  ],
  track: { fitted: true, snapshots: 61, rank: 50, effectiveRank: 60 },
  spectralRadius: 0.9858946176696342,
  orderParameter: 0.5656961519704856,
};

describeWith(built ? undefined : 'dist/ is absent; npm run build')('a home of 0.1.0', () => {
  let cluster: LocalCluster;

  beforeAll(async () => {
    cluster = await startLocalCluster({ home: join(packageRoot, 'test', 'previous', '0.1.0-home.tgz') });
  });

  afterAll(async () => {
    await cluster.stop();
  });

  async function answer<T>(...command: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await cluster.tori(...command, '-o', 'json');
    if (code !== 0) throw new Error(`tori ${command.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  test('recalls from the graph that 0.1.0 has learnt', async () => {
    const found = await answer<{ id: string; score: number }[]>('recall', 'topic7-103', 'topic7-2');
    expect(found.slice(0, 3).map(({ id }) => id)).toEqual(before.recalled.map(({ id }) => id));
    found.slice(0, 3).forEach(({ score }, k) => expect(score).toBeCloseTo(before.recalled[k]!.score, 9));
  });

  test('follows the dynamics that 0.1.0 has fitted', async () => {
    const { tracks } = await answer<{ tracks: Record<string, unknown>[] }>('modes');
    expect(tracks[0]).toMatchObject(before.track);
    expect(tracks[0]!['spectralRadius']).toBeCloseTo(before.spectralRadius, 9);
    expect(tracks[0]!['orderParameter']).toBeCloseTo(before.orderParameter, 9);
  });

  test('goes on: takes episodes, gives them back and sleeps on them', async () => {
    const put = await cluster.tori(
      'loadgen',
      '--rate',
      '20',
      '--duration',
      '3s',
      '--concepts',
      '12',
      '--verify',
    );
    expect([put.code, put.stderr]).toEqual([0, '']);
    const slept = await cluster.tori('trigger', '--once');
    expect([slept.code, slept.stdout]).toEqual([0, expect.stringMatching(/committed|quarantined/)]);
  });
});
