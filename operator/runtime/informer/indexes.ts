import type { KubeObject } from '../client/objects.js';
import type { IndexFunction } from './store.js';

/** Finds objects by the controller of a kind that owns them, under the owner's `namespace/name`. */
export function byOwner<T extends KubeObject>(ownerKind: string): IndexFunction<T> {
  return ({ metadata: { namespace, ownerReferences } }) =>
    (ownerReferences ?? [])
      .filter(({ kind, controller }) => kind === ownerKind && controller === true)
      .map(({ name }) => (namespace === undefined ? name : `${namespace}/${name}`));
}

/** Finds objects by a label, under `namespace/value`; cluster-wide ones under the value. */
export function byLabel<T extends KubeObject>(label: string): IndexFunction<T> {
  return ({ metadata: { namespace, labels } }) => {
    const value = labels?.[label];
    if (value === undefined) return [];
    return [namespace === undefined ? value : `${namespace}/${value}`];
  };
}
