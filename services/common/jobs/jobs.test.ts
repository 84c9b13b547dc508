import { describe, expect, test } from '@jest/globals';
import { JobState } from '../../../proto/gen/tori/memory/v1/types.js';
import { createJobRegistry, keptJobs, type Job, type JobRun } from './jobs.js';
import { encodeJobStatus } from './wire.js';

function registry() {
  const drain = new AbortController();
  const finished: Job<string>[] = [];
  let clock = 1000;
  let ids = 0;
  const jobs = createJobRegistry<string>({
    signal: drain.signal,
    onFinished: (job) => finished.push(job),
    now: () => clock++,
    newId: () => `job-${++ids}`,
  });
  return { jobs, drain, finished };
}

const untilAborted = (run: JobRun<string>) =>
  new Promise<void>((_, reject) =>
    run.signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true }),
  );

describe('job registry', () => {
  test('runs work and remembers what it reported', async () => {
    const { jobs, finished } = registry();
    const started = jobs.start('a', 'begun', async (run) => {
      await Promise.resolve();
      run.report(`done by ${run.id}`);
    });
    expect(started).toMatchObject({ id: 'job-1', status: 'running', detail: 'begun', finishedUnixMs: 0 });
    await jobs.idle();
    const job = jobs.get('a', 'job-1');
    expect(job).toMatchObject({
      status: 'succeeded',
      detail: 'done by job-1',
      error: '',
      startedUnixMs: 1000,
    });
    expect(job.finishedUnixMs).toBeGreaterThan(job.startedUnixMs);
    expect(finished).toEqual([job]);
  });

  test('a rejected job has failed, with the reason', async () => {
    const { jobs } = registry();
    jobs.start('a', '', () => Promise.reject(new Error('disk full')));
    await jobs.idle();
    expect(jobs.get('a', '')).toMatchObject({ status: 'failed', error: 'disk full' });
  });

  test('one job runs for a tenant, others are free', async () => {
    const { jobs, drain } = registry();
    jobs.start('a', '', untilAborted);
    expect(() => jobs.start('a', '', untilAborted)).toThrow('tenant "a": job job-1 is running');
    expect(jobs.start('b', '', untilAborted).id).toBe('job-2');
    expect(jobs.running('a')?.id).toBe('job-1');
    drain.abort();
    await jobs.idle();
    expect(jobs.running('a')).toBeUndefined();
  });

  test('cancel waits for the end and leaves a finished job alone', async () => {
    const { jobs } = registry();
    jobs.start('a', '', untilAborted);
    expect(await jobs.cancel('a', 'job-1')).toMatchObject({ status: 'cancelled', error: '' });
    jobs.start('a', '', () => Promise.resolve());
    await jobs.idle();
    expect(await jobs.cancel('a', '')).toMatchObject({ id: 'job-2', status: 'succeeded' });
  });

  test('a job cancelled before its first turn never begins', async () => {
    const { jobs } = registry();
    let begun = false;
    jobs.start('a', '', () => {
      begun = true;
      return Promise.resolve();
    });
    expect((await jobs.cancel('a', '')).status).toBe('cancelled');
    expect(begun).toBe(false);
  });

  test('work that committed before it saw the cancel has succeeded', async () => {
    const { jobs } = registry();
    jobs.start('a', '', (run) => untilAborted(run).catch(() => undefined));
    await new Promise(setImmediate);
    expect((await jobs.cancel('a', '')).status).toBe('succeeded');
  });

  test('a drain cancels what runs and refuses what is new', async () => {
    const { jobs, drain } = registry();
    jobs.start('a', '', untilAborted);
    drain.abort();
    await jobs.idle();
    expect(jobs.get('a', '').status).toBe('cancelled');
    expect(() => jobs.start('a', '', untilAborted)).toThrow('draining');
  });

  test('tenants do not see each other; only the newest are remembered', async () => {
    const { jobs } = registry();
    jobs.start('b', '', () => Promise.resolve());
    for (let k = 0; k <= keptJobs; k++) {
      jobs.start('a', '', () => Promise.resolve());
      await jobs.idle();
    }
    expect(() => jobs.get('a', 'job-2')).toThrow('"job-2" is unknown');
    expect(jobs.get('a', 'job-3').status).toBe('succeeded');
    expect(jobs.get('a', '').id).toBe(`job-${keptJobs + 2}`);
    expect(jobs.get('b', 'job-1').status).toBe('succeeded');
    expect(() => jobs.get('a', 'job-1')).toThrow('"job-1" is unknown');
    expect(() => jobs.get('c', '')).toThrow('tenant "c": no job was started');
  });

  test('every status has its own wire form', () => {
    expect(encodeJobStatus('running')).toBe(JobState.JOB_STATE_RUNNING);
    expect(encodeJobStatus('succeeded')).toBe(JobState.JOB_STATE_SUCCEEDED);
    expect(encodeJobStatus('cancelled')).toBe(JobState.JOB_STATE_CANCELLED);
    expect(encodeJobStatus('failed')).toBe(JobState.JOB_STATE_FAILED);
  });
});
