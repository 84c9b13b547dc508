import type { WorkQueue } from './work-queue.js';

/** Who works on a queue's keys. */
export interface WorkersOptions {
  readonly queue: WorkQueue;
  /** How many keys are worked on at once. */
  readonly workers: number;
  /** Works on one key. Must not reject: what to do about a failure is its business. */
  readonly work: (key: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Works until the signal aborts, then resolves when the work under way has ended. */
export function runWorkers({ queue, workers, work, signal }: WorkersOptions): Promise<void> {
  return new Promise((resolve) => {
    let running = 0;
    let planned = false;
    const finish = (key: string) => {
      running--;
      queue.done(key);
      if (signal.aborted) stop();
      else plan();
    };
    const pump = () => {
      planned = false;
      while (running < workers && !signal.aborted) {
        const key = queue.take();
        if (key === undefined) return;
        running++;
        void work(key).finally(() => finish(key));
      }
    };
    /** Work never begins inside the call that added it. */
    const plan = () => {
      if (planned) return;
      planned = true;
      queueMicrotask(pump);
    };
    const stop = () => {
      if (running === 0) resolve();
    };
    queue.onWork(plan);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    else plan();
  });
}
