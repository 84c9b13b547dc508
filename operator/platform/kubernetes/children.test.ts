import { describe, expect, test } from '@jest/globals';
import { createLogger } from '../../../services/common/logger.js';
import { ApiError, type ApiClient, type KubeObject } from '../../runtime/index.js';
import type { Caches } from './caches.js';
import { Children } from './children.js';
import { childKinds, kindKey } from './kinds.js';

const service = childKinds.find(({ type }) => type.kind === 'Service')!;
const owned = (uid: string) => [
  { apiVersion: 'memory.tori.dev/v1alpha1', kind: 'MemoryCluster', name: 'memory', uid, controller: true },
];
const wanted: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'memory-vault',
    namespace: 'default',
    annotations: { 'memory.tori.dev/applied': 'hash' },
    ownerReferences: owned('mine'),
  },
};

interface World {
  /** What the cache shows. */
  cached?: KubeObject;
  /** What is stored, and whether others hold fields of it that are ours. */
  readonly stored?: KubeObject;
  readonly contested?: boolean;
}

function create(world: World) {
  const forced: (boolean | undefined)[] = [];
  const client = {
    apply: (_: unknown, object: KubeObject, { force }: { force?: boolean }) => {
      forced.push(force);
      if (force === false && world.contested === true) {
        return Promise.reject(
          new ApiError(409, { reason: 'Conflict', message: 'held by another' }, { request: 'apply' }),
        );
      }
      return Promise.resolve({ ...object, metadata: { ...object.metadata, resourceVersion: '7' } });
    },
    list: () => Promise.resolve({ items: world.stored === undefined ? [] : [world.stored] }),
  } as unknown as ApiClient;
  const informer = { get: () => world.cached, type: service.type };
  const caches = { children: new Map([[kindKey(service.type), informer]]) } as unknown as Caches;
  const children = new Children({ client, caches, logger: createLogger('test', 'silent') });
  const objects = [{ ...wanted, whole: () => wanted }];
  return { forced, children, apply: () => children.apply(objects, new AbortController().signal) };
}

const of = (uid?: string): KubeObject => ({
  ...wanted,
  metadata: {
    name: 'memory-vault',
    namespace: 'default',
    resourceVersion: '1',
    ...(uid !== undefined && { ownerReferences: owned(uid) }),
  },
});
const taken = { name: 'TakenError' };

describe('a child whose name is taken', () => {
  test('by an earlier cluster of the name is not touched until that one is gone', async () => {
    const { apply, forced } = create({ cached: of('theirs') });
    await expect(apply()).rejects.toMatchObject(taken);
    expect(forced).toEqual([]);
  });

  test("by an object that is nobody's and not ours is left as it is", async () => {
    const { apply, forced } = create({ stored: of(), contested: true });
    await expect(apply()).rejects.toMatchObject(taken);
    expect(forced).toEqual([false]);
  });

  test('by our own object, whose labels somebody has changed, is taken back', async () => {
    const { apply, forced } = create({ stored: of('mine'), contested: true });
    await apply();
    expect(forced).toEqual([false, undefined]);
  });
});

test('a child that came and went before the cache was looked at is made again', async () => {
  const world: World = {};
  const { apply, children, forced } = create(world);
  await apply();
  await apply();
  expect(forced).toEqual([false]);
  children.gone(wanted, service.type);
  await apply();
  expect(forced).toEqual([false, false]);
});
