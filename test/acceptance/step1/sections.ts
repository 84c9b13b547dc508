import type { Report } from '../report.js';
import { canaryUnderLoad } from './canary.js';
import { killUnderLoad } from './kill.js';

/** The acceptance section of step 1, part by part. */
export const step1: Record<string, (report: Report) => Promise<void>> = {
  kill: killUnderLoad,
  canary: canaryUnderLoad,
};
