import { memoryAction } from './memory-action.js';
import { memoryCluster } from './memory-cluster.js';
import type { Definition } from './resource.js';
import { tuningProfile } from './tuning-profile.js';

/** Every kind of the group. */
export const definitions: readonly Definition[] = [memoryCluster, tuningProfile, memoryAction];
