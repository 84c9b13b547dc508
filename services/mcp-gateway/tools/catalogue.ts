import { forget } from './forget.js';
import { get } from './get.js';
import { kclStatus } from './kcl-status.js';
import { prune } from './prune.js';
import { put } from './put.js';
import { recall } from './recall.js';
import { sleep } from './sleep.js';
import type { AnyTool } from './tool.js';

/** All tools, in the order in which clients see them. */
export const catalogue: readonly AnyTool[] = [put, get, recall, forget, sleep, prune, kclStatus];
