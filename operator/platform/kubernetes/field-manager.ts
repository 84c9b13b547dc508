import { group } from '../../api/resource.js';

/** Who we are in managed fields. */
export const fieldManager = 'tori-operator';

/** What our labels and annotations begin with. */
export const labelPrefix = `${group}/`;

/** On gateway pods: a change of it makes the kubelet refresh the mounted shard table at once. */
export const epochAnnotation = `${labelPrefix}epoch`;
