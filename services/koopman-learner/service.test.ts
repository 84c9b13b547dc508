import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
  type ReplayResponse,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import {
  KoopmanLearnerService,
  type KoopmanLearnerServer,
} from '../../proto/gen/tori/memory/v1/koopman_learner_service.js';
import { EventLogService, type EventLogServer } from '../../proto/gen/tori/memory/v1/event_log_service.js';
import {
  decodeActivations,
  decodeU32,
  encodeActivations,
  sparseVector,
} from '../common/activations/activations.js';
import type { EventSource } from '../common/bus/bus.js';
import { Changes } from '../common/bus/changes.js';
import { connect, type ServiceClient } from '../common/clients/client.js';
import {
  serve,
  startService,
  type ServiceDescription,
  type ServiceHandle,
} from '../common/server/service.js';
import { koopmanLearner } from './service.js';

const token = 'internal-token';
const startMs = 1_700_000_000_000;
/** Periods of the two rhythms in the test's series, in seconds. */
const periods = [20, 7.5];

let folder: string;
let learner: ServiceHandle | undefined;
let client: ServiceClient<KoopmanLearnerServer>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tori-koopman-'));
  writeFileSync(join(folder, 'token'), token);
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  learner = await startService(koopmanLearner, {
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: join(folder, 'data'),
    INTERNAL_TOKEN_FILE: join(folder, 'token'),
    LOG_LEVEL: 'silent',
    VAULT_ADDRESS: '127.0.0.1:1',
    KCL_BIN_SECONDS: '1',
    KCL_WINDOW_BINS: '64',
    ...env,
  });
  client = connect<KoopmanLearnerServer>(KoopmanLearnerService, `127.0.0.1:${learner.grpcPort}`, { token });
}

async function stop(): Promise<void> {
  if (learner === undefined) return;
  client.close();
  await learner.drain();
  learner = undefined;
}

/** Twelve concepts with two rhythms around a level, as an episode a second. */
function activationsAt(second: number, jumpRad = 0) {
  return encodeActivations(
    sparseVector(
      Array.from({ length: 12 }, (_, i) => {
        const swing = periods.map((period, k) =>
          Math.cos((2 * Math.PI * second) / period + jumpRad + i * (k + 1) * 0.7),
        );
        return [i + 10, 5 + swing[0]! + 0.8 * swing[1]!] as const;
      }),
    ),
  );
}

function* events(from: number, to: number, options: { tenant?: string; jumpRad?: number } = {}) {
  for (let second = from; second < to; second++) {
    yield {
      tenant: options.tenant ?? '',
      eventId: `e${second}`,
      timeUnixMs: startMs + 1000 * second,
      activations: activationsAt(second, options.jumpRad),
    };
  }
}

async function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
  const giveUp = AbortSignal.timeout(30_000);
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    giveUp.throwIfAborted();
    await sleep(20);
  }
}

/** Waits for the fit that follows one at the given time. */
function fitAfter(fittedUnixMs: number, tenant = '') {
  return until(async () => {
    const status = await client.getStatus({ tenant });
    return status.fittedUnixMs > fittedUnixMs ? status : undefined;
  });
}

/** Values of the learner's own metrics. */
async function metrics(): Promise<Record<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${learner!.metricsPort}/metrics`)).text();
  const lines = text.split('\n').filter((line) => /^(kcl_|coupling_)(?!.*bucket)/.test(line));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('{')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

const oscillating = async () => {
  const { modes } = await client.getSpectralModes({ tenant: '', conceptsPerMode: 0 });
  return modes.filter((mode) => mode.eigenvalueIm > 0);
};

describe('a series from elsewhere', () => {
  test('becomes modes with the right frequencies, half-lives and concepts', async () => {
    await start();
    expect(await client.processActivations(events(0, 60))).toEqual({ accepted: 60, ignored: 0 });
    const status = await fitAfter(0);
    expect(status).toMatchObject({ snapshots: 60, concepts: 12, effectiveRank: 5, modes: 3, cursor: 0 });
    const response = await client.getSpectralModes({ tenant: '', conceptsPerMode: 3 });
    expect(response).toMatchObject({ rank: 50, effectiveRank: 5, binSeconds: 1, snapshots: 60 });
    expect(response.spectralRadius).toBeCloseTo(1, 4);
    const [level, slow, fast] = response.modes;
    expect(level!.frequencyHz).toBe(0);
    expect(slow!.frequencyHz).toBeCloseTo(1 / 20, 5);
    expect(fast!.frequencyHz).toBeCloseTo(1 / 7.5, 5);
    expect(slow!.growthRate).toBeCloseTo(0, 4);
    expect(slow!.residual).toBeLessThan(1e-3);
    expect(slow!.amplitude).toBeGreaterThan(fast!.amplitude);
    expect(decodeU32(fast!.conceptIds, 'ids')).toHaveLength(3);
    for (const mode of response.modes) expect(mode.halfLifeS === undefined).toBe(mode.growthRate >= 0);
  });

  test('counts an event once, however often it comes and wherever the process stopped', async () => {
    await start({ KCL_WINDOW_BINS: '16' });
    await client.processActivations(events(0, 10));
    expect(await client.processActivations(events(5, 12))).toEqual({ accepted: 2, ignored: 5 });
    const before = await fitAfter(0);
    await stop();
    await start({ KCL_WINDOW_BINS: '16' });
    expect(await client.processActivations(events(0, 12))).toEqual({ accepted: 0, ignored: 12 });
    expect(await client.getStatus({ tenant: '' })).toMatchObject({ modes: before.modes });
    await client.processActivations(events(12, 30));
    // Older than the window of 16 bins: ignored under whatever id.
    const late = [...events(3, 4)].map((event) => ({ ...event, eventId: 'late' }));
    expect(await client.processActivations(late)).toEqual({ accepted: 0, ignored: 1 });
    const future = [{ ...[...events(0, 1)][0]!, eventId: 'future', timeUnixMs: Date.now() + 48 * 3_600_000 }];
    expect(await client.processActivations(future)).toEqual({ accepted: 0, ignored: 1 });
  });

  test('keeps tenants apart', async () => {
    await start();
    await client.processActivations([...events(0, 20, { tenant: 'a' }), ...events(0, 5, { tenant: 'b' })]);
    await fitAfter(0, 'a');
    expect(await client.getStatus({ tenant: 'b' })).toMatchObject({
      snapshots: 5,
      modes: 0,
      fittedUnixMs: 0,
    });
    await expect(client.getSpectralModes({ tenant: 'b', conceptsPerMode: 0 })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'tenant "b" has no modes yet: 5 time bins hold activations, a fit needs 8 snapshots in a row',
    });
  });

  test('is predicted', async () => {
    await start();
    await client.processActivations(events(0, 60));
    await fitAfter(0);
    const { bins } = await client.predict({ tenant: '', horizon: 3, limit: 12 });
    bins.forEach(({ timeUnixMs, activations }, k) => {
      expect(timeUnixMs).toBe(startMs + 1000 * (60 + k));
      const predicted = decodeActivations(activations);
      const actual = decodeActivations(activationsAt(60 + k));
      expect(predicted.ids).toEqual(actual.ids);
      predicted.values.forEach((value, i) => expect(value).toBeCloseTo(actual.values[i]!, 3));
    });
    expect(bins).toHaveLength(3);
  });

  test('without coupling between its rhythms has none', async () => {
    await start();
    await client.processActivations(events(0, 60));
    await fitAfter(0);
    const { couplings, orderParameter } = await client.getCouplings({ tenant: '' });
    for (const { strength } of couplings) expect(Math.abs(strength)).toBeLessThan(1e-3);
    expect(orderParameter).toBeGreaterThan(0);
    expect(orderParameter).toBeLessThanOrEqual(1);
  });
});

describe('refits', () => {
  test('keep the names of modes, also over a restart, and see a phase jump as drift', async () => {
    await start({ KCL_WINDOW_BINS: '32' });
    await client.processActivations(events(0, 40));
    const first = await fitAfter(0);
    const names = (await oscillating()).map((mode) => mode.modeId);
    await client.processActivations(events(40, 60));
    const second = await fitAfter(first.fittedUnixMs);
    expect((await oscillating()).map((mode) => mode.modeId)).toEqual(names);
    expect(second.psiDriftRad).toBeLessThan(0.01);
    await stop();
    await start({ KCL_WINDOW_BINS: '32' });
    // A whole window after the jump, so that the fit is of one regime.
    await client.processActivations(events(60, 100, { jumpRad: 0.5 }));
    const third = await fitAfter(second.fittedUnixMs);
    expect((await oscillating()).map((mode) => mode.modeId)).toEqual(names);
    expect(third.psiDriftRad).toBeCloseTo(0.5, 2);
  });

  test('move metrics when their cause happens and only then', async () => {
    await start();
    expect(await metrics()).toEqual({
      kcl_modes_total: 0,
      coupling_updates_total: 0,
      kcl_fit_seconds_sum: 0,
      kcl_fit_seconds_count: 0,
    });
    await client.processActivations(events(0, 40));
    const first = await fitAfter(0);
    const after = await metrics();
    expect(after).toMatchObject({
      kcl_modes_total: 3,
      kcl_modes: 3,
      kcl_effective_rank: 5,
      kcl_snapshots: 40,
      kcl_fit_seconds_count: 1,
    });
    expect(after['kcl_spectral_radius']).toBeCloseTo(1, 3);
    expect(after).not.toHaveProperty('kcl_psi_drift_rad');
    // Fewer new bins than a refit takes, and events that were seen: nothing moves.
    await client.processActivations(events(30, 44));
    await sleep(600);
    expect(await metrics()).toEqual(after);
    await client.processActivations(events(44, 50));
    await fitAfter(first.fittedUnixMs);
    const later = await metrics();
    expect(later).toMatchObject({ kcl_modes_total: 6, kcl_modes: 3, kcl_fit_seconds_count: 2 });
    expect(later['kcl_psi_drift_rad']).toBeLessThan(0.01);
  });

  test('follow a change of parameters', async () => {
    await start();
    await client.processActivations(events(0, 40));
    const first = await fitAfter(0);
    expect(await client.updateParameters({ parameters: { rank: 1 } })).toEqual({
      parameters: { rank: 1, l1Strength: 0 },
    });
    const second = await fitAfter(first.fittedUnixMs);
    expect(second.modes).toBe(1);
    await client.updateParameters({ parameters: { rank: 50, l1Strength: 1 } });
    expect(await fitAfter(second.fittedUnixMs)).toMatchObject({ modes: 0, effectiveRank: 5 });
    expect(await client.getParameters({})).toEqual({ parameters: { rank: 50, l1Strength: 1 } });
    await expect(client.updateParameters({ parameters: { rank: 501 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'parameters.rank: 501 is not accepted; expected a whole number from 1 to 500',
    });
  });

  test('are announced', async () => {
    await start();
    const log = connect<EventLogServer>(EventLogService, `127.0.0.1:${learner!.grpcPort}`, { token });
    await client.processActivations(events(0, 40));
    for await (const event of log.subscribe({ afterSequence: 0, follow: true, log: '' })) {
      expect(event).toMatchObject({ type: 'modes.updated', tenant: 'default', attributes: { modes: '3' } });
      break;
    }
    log.close();
  });
});

describe('requests that are refused', () => {
  beforeEach(() => start());

  test.each([
    ['horizon', () => client.predict({ tenant: '', horizon: 0, limit: 0 }), 'horizon: 0 is not accepted'],
    ['limit', () => client.predict({ tenant: '', horizon: 1, limit: 1001 }), 'limit: 1001 is not accepted'],
    [
      'concepts_per_mode',
      () => client.getSpectralModes({ tenant: '', conceptsPerMode: 101 }),
      'concepts_per_mode: 101 is not accepted',
    ],
    ['tenant', () => client.getCouplings({ tenant: 'No' }), 'tenant: "No" is not accepted'],
    [
      'event_id',
      () => client.processActivations([{ ...[...events(0, 1)][0]!, eventId: '' }]),
      'event_id: "" is not accepted; expected 1 to 256 bytes',
    ],
    [
      'activations',
      () => client.processActivations([{ ...[...events(0, 1)][0]!, activations: undefined }]),
      'activations: undefined is not accepted',
    ],
  ])('%s', async (_, call, message) => {
    await expect(call()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });

  test('a wrong variable is named', async () => {
    await stop();
    await expect(start({ DMD_RANK: '0' })).rejects.toThrow(
      'DMD_RANK = "0": expected a whole number from 1 to 500',
    );
    await expect(start({ VAULT_ADDRESS: 'nowhere' })).rejects.toThrow(
      'VAULT_ADDRESS = "nowhere": expected host:port',
    );
  });
});

describe('the vault', () => {
  /** The part of a vault that the learner reads: an outbox in memory behind a real server. */
  async function startVault(port = '0') {
    const outbox: ReplayResponse[] = [];
    const changes = new Changes();
    const log = randomUUID();
    const source: EventSource = {
      log,
      get lastSequence() {
        return outbox.length;
      },
      read: (after, limit) =>
        outbox.slice(after, after + limit).map(({ sequence, entry }) => ({
          sequence,
          eventId: `${log}:${sequence}`,
          type: `episode.${entry!.$case}`,
          tenant: 'default',
          timeUnixMs: startMs,
          attributes: { sequence: String(sequence) },
        })),
      changed: (signal) => changes.next(signal),
    };
    const description: ServiceDescription<Record<string, never>> = {
      name: 'vault',
      environment: {},
      start: ({ bus }) =>
        Promise.resolve({
          services: [
            bus.publish(source),
            serve<Pick<EpisodicVaultServer, 'replay'>>(
              'tori.memory.v1.EpisodicVault',
              { replay: EpisodicVaultService.replay },
              {
                async *replay({ afterSequence }) {
                  yield* await Promise.resolve(outbox.slice(afterSequence));
                },
              },
            ),
          ],
          stop: () => Promise.resolve(),
        }),
    };
    const handle = await startService(description, {
      GRPC_PORT: port,
      METRICS_PORT: '0',
      DATA_DIR: folder,
      INTERNAL_TOKEN_FILE: join(folder, 'token'),
      LOG_LEVEL: 'silent',
    });
    return {
      handle,
      store(from: number, to: number) {
        for (let second = from; second < to; second++) {
          const episode = {
            id: `e${second}`,
            timeUnixMs: startMs + 1000 * second,
            source: '',
            meta: {},
            activations: activationsAt(second),
          };
          outbox.push({ sequence: outbox.length + 1, entry: { $case: 'stored', value: episode } });
        }
        changes.announce();
      },
      delete(id: string) {
        outbox.push({
          sequence: outbox.length + 1,
          entry: { $case: 'deleted', value: { id, timeUnixMs: startMs } },
        });
        changes.announce();
      },
    };
  }

  const cursorAt = (cursor: number) =>
    until(async () => {
      const status = await client.getStatus({ tenant: '' });
      return status.cursor === cursor ? status : undefined;
    });

  test('is followed from a durable cursor, through restarts of both', async () => {
    const vault = await startVault();
    const address = `127.0.0.1:${vault.handle.grpcPort}`;
    vault.store(0, 30);
    await start({ VAULT_ADDRESS: address });
    await cursorAt(30);
    await stop();
    vault.store(30, 35);
    vault.delete('e3');
    await start({ VAULT_ADDRESS: address });
    await cursorAt(36);
    vault.store(35, 60);
    await cursorAt(61);
    await until(async () => ((await client.getStatus({ tenant: '' })).snapshots === 60 ? true : undefined));
    const [slow] = await oscillating();
    expect(slow!.frequencyHz).toBeCloseTo(1 / 20, 5);
    // An empty log under the same address: the vault's volume was lost.
    await vault.handle.drain();
    const successor = await startVault(String(vault.handle.grpcPort));
    successor.store(60, 70);
    await cursorAt(10);
    await successor.handle.drain();
  });
});
