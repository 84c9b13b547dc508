import { isDeepStrictEqual } from 'node:util';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import { keyOf, type Controller, type KubeObject } from '../../runtime/index.js';
import { addresseeOf } from './action-routing.js';
import { profileOf, type CacheSet, type ChildInformer } from './caches.js';
import type { Children } from './children.js';
import { labels } from './render/names.js';

/** Who is to be woken. */
export interface Woken {
  readonly clusters: Controller;
  readonly profiles: Controller;
  readonly actions: Controller;
}

/** A cluster has some twenty children, which change together: one look at it is made for all of them. */
const gatherMs = 200;
/** Many clusters may share a profile: what changes in them within this time is mirrored together. */
const mirrorMs = 500;

/** Turns changes of what is cached into work. Returns how to stop it. */
export function wakeOnChanges(caches: CacheSet, children: Pick<Children, 'gone'>, woken: Woken): () => void {
  const { clusters, profiles, actions } = woken;
  const mirror = (cluster: MemoryCluster | undefined) => {
    for (const key of cluster === undefined ? [] : profileOf(cluster)) profiles.addAfter(key, mirrorMs);
  };
  /** What was asked of a cluster that is gone is answered by nobody but the actions' own controller. */
  const orphan = (cluster: MemoryCluster | undefined) => {
    const { namespace = '', name = '' } = cluster?.metadata ?? {};
    for (const action of caches.actions.by('target', `${namespace}/MemoryCluster/${name}`)) {
      actions.add(keyOf(action));
    }
  };
  const owner = (object: KubeObject | undefined) => {
    const name = object?.metadata.labels?.[labels.cluster];
    if (name !== undefined) clusters.addAfter(`${object?.metadata.namespace ?? ''}/${name}`, gatherMs);
  };
  const dependent = <T extends KubeObject>(before: T | undefined, after: T | undefined) => {
    if (before !== undefined && after !== undefined && sameButVersion(before, after)) return;
    owner(before);
    owner(after);
  };
  const stops = [
    caches.clusters.onChange((before, after) => {
      clusters.add(keyOf((after ?? before)!));
      if (after === undefined) orphan(before);
      if (before !== undefined && after !== undefined && sameUse(before, after)) return;
      mirror(before);
      mirror(after);
    }),
    caches.profiles.onChange((before, after) => {
      const key = keyOf((after ?? before)!);
      profiles.add(key);
      if (before?.metadata.generation === after?.metadata.generation) return;
      for (const cluster of caches.clusters.by('profile', key)) clusters.add(keyOf(cluster));
    }),
    caches.actions.onChange((_, action) => {
      if (action === undefined) return;
      actions.add(keyOf(action));
      if (action.status !== undefined) return;
      const addressee = addresseeOf(caches, action);
      if ('cluster' in addressee) clusters.add(keyOf(addressee.cluster));
    }),
    caches.pods.onChange(dependent),
  ];
  caches.onChildCache((informer: ChildInformer) => {
    stops.push(
      informer.onChange((before, after) => {
        if (before !== undefined && after === undefined) children.gone(before, informer.type);
        dependent(before, after);
      }),
    );
    // Clusters may have waited for the kind of an add-on that has just been installed.
    for (const cluster of caches.clusters.list()) clusters.add(keyOf(cluster));
  });
  return () => {
    caches.onChildCache(undefined);
    for (const stop of stops) stop();
  };
}

/** Nothing that is kept has changed, only what is not: the status of an autoscaler, for example. */
function sameButVersion(before: KubeObject, after: KubeObject): boolean {
  const versionless = ({ metadata, ...rest }: KubeObject) => ({
    ...rest,
    metadata: { ...metadata, resourceVersion: '' },
  });
  return isDeepStrictEqual(versionless(before), versionless(after));
}

/** A cluster uses its profile as before, with the same effect. */
function sameUse(before: MemoryCluster, after: MemoryCluster): boolean {
  return (
    before.spec.tuningProfileRef?.name === after.spec.tuningProfileRef?.name &&
    before.metadata.deletionTimestamp === after.metadata.deletionTimestamp &&
    isDeepStrictEqual(before.status?.tuning, after.status?.tuning)
  );
}
