import { parentPort, workerData } from 'node:worker_threads';
import { learn } from './domain/learn.js';
import type { LearnInput } from './domain/learn-types.js';

/** Entry of the worker thread: learns the batch it was started with and sends the outcome back. */
parentPort?.postMessage(learn(workerData as LearnInput));
