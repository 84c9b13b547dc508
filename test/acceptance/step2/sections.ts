import type { Report } from '../report.js';
import { faults } from './faults.js';
import { gitops } from './gitops.js';
import { kills } from './kills.js';
import { leaders } from './leaders.js';
import { node } from './node.js';
import { rbac } from './rbac.js';
import { redis } from './redis.js';

/** The acceptance section of step 2, part by part. */
export const step2: Record<string, (report: Report) => Promise<void>> = {
  node,
  redis,
  faults,
  kills,
  leaders,
  gitops,
  rbac,
};
