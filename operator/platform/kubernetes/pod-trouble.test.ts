import { describe, expect, test } from '@jest/globals';
import { troubleOf } from './pod-trouble.js';
import type { Pod } from './trim.js';

type Status = NonNullable<Pod['status']>;
type Container = NonNullable<Status['containerStatuses']>[number];

const pod = (status: Status, deleted = false): Pod => ({
  metadata: { name: 'memory-vault-0', ...(deleted && { deletionTimestamp: '2030-01-01T00:00:00Z' }) },
  status,
});
const withContainer = (container: Partial<Container>): Pod =>
  pod({ phase: 'Running', containerStatuses: [{ name: 'episodic-vault', ready: false, ...container }] });

describe('why a pod is not ready', () => {
  test('a ready pod has no trouble', () => {
    expect(troubleOf(pod({ conditions: [{ type: 'Ready', status: 'True' }] }))).toBeUndefined();
  });

  test.each<[string, Pod, string]>([
    [
      'no node takes it',
      pod({
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/3 nodes are available',
          },
        ],
      }),
      'Unschedulable: 0/3 nodes are available',
    ],
    [
      'its image cannot be pulled',
      withContainer({
        state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "a:b"' } },
      }),
      'ImagePullBackOff: Back-off pulling image "a:b"',
    ],
    [
      'it ends again and again, with what it said last',
      withContainer({
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 2m40s restarting' } },
        lastState: {
          terminated: { reason: 'Error', exitCode: 78, message: 'GRPC_PORT = "x": expected\n a number' },
        },
      }),
      'CrashLoopBackOff: ended with exit code 78: GRPC_PORT = "x": expected a number',
    ],
    [
      'it ran out of memory',
      withContainer({ state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }),
      'ended with exit code 137 (OOMKilled)',
    ],
    [
      'a reference of it is missing',
      withContainer({
        state: { waiting: { reason: 'CreateContainerConfigError', message: 'configmap "x" not found' } },
      }),
      'CreateContainerConfigError: configmap "x" not found',
    ],
    ['it is being made', withContainer({ state: { waiting: { reason: 'ContainerCreating' } } }), 'starts'],
    ['it runs and does not answer yet', withContainer({}), 'starts'],
    ['it goes', pod({ phase: 'Running' }, true), 'is being replaced'],
  ])('%s', (_, sick, text) => {
    expect(troubleOf(sick)).toBe(text);
  });

  test('the growing back-off of the kubelet changes nothing in it', () => {
    const after = (time: string) =>
      troubleOf(
        withContainer({
          state: { waiting: { reason: 'CrashLoopBackOff', message: `back-off ${time} restarting` } },
        }),
      );
    expect(after('10s')).toBe(after('5m0s'));
  });
});
