import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '../../../../services/common/logger.js';
import type { ProcessReport, ProcessSpec } from './process-spec.js';
import { isAlive } from './probe.js';
import { Supervisor } from './supervisor.js';

/** A small service that answers as ours do; CRASH=1 ends it at once, WRONG=1 ends it as a wrong configuration does. */
const program = `
import { createServer } from 'node:http';
if (process.env.CRASH) { console.log('the reason of the crash'); process.exit(1); }
if (process.env.WRONG) { console.log('X = "wrong": expected right'); process.exit(78); }
createServer((request, response) => {
  response.end(request.url === '/metrics' ? 'tori_process_info{pid="' + process.pid + '"} 1\\n' : 'ok');
}).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

let folder: string;
let supervisors: Supervisor[];
let port: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
  writeFileSync(join(folder, 'service.mjs'), program);
  supervisors = [];
  port = await freePort();
});

afterEach(async () => {
  for (const supervisor of supervisors) for (const key of supervisor.keys) await supervisor.stop(key);
  rmSync(folder, { recursive: true, force: true });
});

function newSupervisor(now?: () => number): Supervisor {
  const supervisor = new Supervisor({
    recordsFolder: join(folder, 'run'),
    logger: createLogger('test', 'silent'),
    ...(now !== undefined && { now }),
  });
  supervisors.push(supervisor);
  return supervisor;
}

function specOf(env: Record<string, string> = {}): ProcessSpec {
  return {
    key: 'stable/service',
    service: 'service',
    revision: 'r1',
    entry: join(folder, 'service.mjs'),
    env: { PORT: String(port), ...env },
    initialEnv: {},
    metricsPort: port,
    logFile: join(folder, 'service.log'),
  };
}

async function until(
  supervisor: Supervisor,
  spec: ProcessSpec,
  done: (report: ProcessReport) => boolean,
): Promise<ProcessReport> {
  for (;;) {
    const [report] = await supervisor.reconcile([spec]);
    if (done(report!)) return report!;
    await sleep(20);
  }
}

const isReady = (report: ProcessReport) => report.state.phase === 'Ready';

function pidOf(report: ProcessReport): number {
  if (!('pid' in report.state)) throw new Error(`no pid in ${report.state.phase}`);
  return report.state.pid;
}

describe('Supervisor', () => {
  test('starts a process, and starts it again after kill -9', async () => {
    const supervisor = newSupervisor();
    const first = await until(supervisor, specOf(), isReady);
    process.kill(pidOf(first), 'SIGKILL');
    const second = await until(supervisor, specOf(), (report) => isReady(report) && report.restarts === 1);
    expect(pidOf(second)).not.toBe(pidOf(first));
  });

  test('waits between starts of a process that keeps crashing and tells its last words', async () => {
    let now = 1_000;
    const supervisor = newSupervisor(() => now);
    const waiting = await until(
      supervisor,
      specOf({ CRASH: '1' }),
      (report) => report.state.phase === 'BackOff',
    );
    expect(waiting.state).toEqual({ phase: 'BackOff', reason: 'the reason of the crash', retryAt: 1_200 });
    now = 1_199;
    expect((await supervisor.reconcile([specOf({ CRASH: '1' })]))[0]!.state.phase).toBe('BackOff');
    now = 1_200;
    expect((await supervisor.reconcile([specOf({ CRASH: '1' })]))[0]!.state.phase).toBe('Starting');
  });

  test('does not restart a wrong configuration until the spec changes', async () => {
    const supervisor = newSupervisor();
    const failed = await until(
      supervisor,
      specOf({ WRONG: '1' }),
      (report) => report.state.phase === 'Failed',
    );
    expect(failed.state).toEqual({ phase: 'Failed', reason: 'X = "wrong": expected right' });
    expect((await supervisor.reconcile([specOf({ WRONG: '1' })]))[0]!.restarts).toBe(0);
    await until(supervisor, specOf(), isReady);
  });

  test('replaces a process whose environment changed, and leaves it alone when only its initial values did', async () => {
    const supervisor = newSupervisor();
    const first = await until(supervisor, specOf(), isReady);
    const same = await until(supervisor, { ...specOf(), initialEnv: { LEARNING_RATE: '0.005' } }, isReady);
    expect(pidOf(same)).toBe(pidOf(first));
    const other = await until(supervisor, specOf({ COLOUR: 'blue' }), isReady);
    expect(pidOf(other)).not.toBe(pidOf(first));
    expect(isAlive(pidOf(first))).toBe(false);
  });

  test('stops what is no longer wanted', async () => {
    const supervisor = newSupervisor();
    const report = await until(supervisor, specOf(), isReady);
    await supervisor.reconcile([]);
    expect(isAlive(pidOf(report))).toBe(false);
  });

  test('takes over the processes of a supervisor that was killed', async () => {
    const first = await until(newSupervisor(), specOf(), isReady);
    const heir = newSupervisor();
    await heir.adopt();
    const after = await until(heir, specOf(), isReady);
    expect(pidOf(after)).toBe(pidOf(first));
  });

  test('does not take a stranger on the port for its own', async () => {
    const supervisor = newSupervisor();
    await until(supervisor, specOf(), isReady);
    const records = join(folder, 'run', 'stable-service.json');
    const record = {
      key: 'stable/service',
      pid: process.pid,
      fingerprint: 'f',
      revision: 'r1',
      metricsPort: port,
      startedAt: 0,
    };
    writeFileSync(records, JSON.stringify(record));
    const heir = newSupervisor();
    await heir.adopt();
    expect(heir.keys).toEqual([]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
