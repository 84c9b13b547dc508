import type { Report } from '../report.js';
import { canaryUnderLoad } from './canary.js';
import { killUnderLoad } from './kill.js';
import { knownAnswers } from './known-answers.js';
import { manifests } from './manifests.js';
import { memory } from './memory.js';
import { metrics } from './metrics.js';
import { plants } from './plants.js';
import { quickstart } from './quickstart.js';

/** The acceptance section of step 1, part by part. */
export const step1: Record<string, (report: Report) => Promise<void>> = {
  quickstart,
  kill: killUnderLoad,
  metrics,
  plants,
  'known-answers': knownAnswers,
  memory,
  canary: canaryUnderLoad,
  manifests,
};
