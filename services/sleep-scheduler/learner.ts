import { Worker } from 'node:worker_threads';
import { learn } from './domain/learn.js';
import type { LearnInput, LearnOutcome } from './domain/learn-types.js';

/** Compiled code has the worker's entry beside it; run from TypeScript source, as tests do, it has not. */
const isCompiled = import.meta.url.endsWith('.js');

/**
 * Learns in a thread of its own, so that health checks and other calls are answered meanwhile. Aborting ends the thread
 * at once; nothing was committed yet.
 */
export async function learnInThread(input: LearnInput, signal: AbortSignal): Promise<LearnOutcome> {
  if (!isCompiled) return learn(input);
  signal.throwIfAborted();
  const worker = new Worker(new URL('./learn-worker.js', import.meta.url), { workerData: input });
  const abort = () => void worker.terminate();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise<LearnOutcome>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the learning thread ended with code ${code}`)));
    });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
