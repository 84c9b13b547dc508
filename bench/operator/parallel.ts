import pLimit from 'p-limit';

/** Requests that run side by side. */
const concurrency = 16;

/** Runs a step for every index below the count. */
export async function inParallel(
  count: number,
  step: (index: number) => Promise<unknown>,
  first = 0,
): Promise<void> {
  const limit = pLimit(concurrency);
  const indexes = Array.from({ length: count - first }, (_, k) => first + k);
  await Promise.all(indexes.map((index) => limit(step, index)));
}
