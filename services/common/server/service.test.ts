import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net';
import { EventEmitter, once } from 'node:events';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  Client,
  credentials,
  Metadata,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { service as healthService } from 'grpc-health-check';
import type { EventSource } from '../bus/bus.js';
import { Changes } from '../bus/changes.js';
import { serveEventLog } from '../bus/embedded.js';
import { connect } from '../clients/client.js';
import { milliseconds } from '../config/config.js';
import { ServiceError } from '../errors.js';
import type { CallContext } from './call.js';
import { serve, startService, type ServiceDescription, type ServiceHandle } from './service.js';

const token = 'bootstrap-test-token';

/** One method of each kind that the adapter serves, on JSON. */
interface ProbeServer {
  echo: handleUnaryCall<{ text: string }, { text: string; requestId: string }>;
  hold: handleUnaryCall<object, object>;
  count: handleServerStreamingCall<{ to: number; failAt?: number }, { value: number }>;
  sum: handleClientStreamingCall<{ value: number }, { value: number }>;
}

const json = {
  requestSerialize: (value: unknown) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes: Buffer): unknown => JSON.parse(bytes.toString()),
  responseSerialize: (value: unknown) => Buffer.from(JSON.stringify(value)),
  responseDeserialize: (bytes: Buffer): unknown => JSON.parse(bytes.toString()),
};
const probeDefinition: ServiceDefinition = {
  echo: { path: '/probe.Probe/Echo', requestStream: false, responseStream: false, ...json },
  hold: { path: '/probe.Probe/Hold', requestStream: false, responseStream: false, ...json },
  count: { path: '/probe.Probe/Count', requestStream: false, responseStream: true, ...json },
  sum: { path: '/probe.Probe/Sum', requestStream: true, responseStream: false, ...json },
};

/** A service with one handler of each kind, and what happened to it. */
function probeService() {
  const hold = new EventEmitter();
  const released = once(hold, 'released');
  const probe = {
    stopped: false,
    held: undefined as CallContext | undefined,
    release: () => void hold.emit('released'),
  };
  const quiet = new Changes();
  const nothing: EventSource = {
    log: 'nothing',
    lastSequence: 0,
    read: () => [],
    changed: (signal) => quiet.next(signal),
  };
  const description: ServiceDescription<{ PROBE_LIMIT: typeof milliseconds }> = {
    name: 'probe',
    environment: { PROBE_LIMIT: milliseconds },
    start: ({ config, signal }) =>
      Promise.resolve({
        services: [
          serve<ProbeServer>('probe.Probe', probeDefinition, {
            echo: ({ text }, { requestId }) => {
              if (text === 'crash') throw new TypeError('a bug');
              if (text === 'refuse') throw new ServiceError('ABORTED', 'refused on purpose');
              return { text, requestId };
            },
            hold: async (_, context) => {
              probe.held = context;
              await released;
              return {};
            },
            count: async function* ({ to, failAt }) {
              for (let value = 1; value <= to; value++) {
                if (value === failAt) throw new ServiceError('NOT_FOUND', `no ${value}`);
                yield await Promise.resolve({ value });
              }
            },
            sum: async (requests) => {
              let value = 0;
              for await (const request of requests) value += request.value;
              return { value: Math.min(value, config.PROBE_LIMIT) };
            },
          }),
          serveEventLog(nothing, signal),
        ],
        stop: () => {
          probe.stopped = true;
          return Promise.resolve();
        },
      }),
  };
  return { probe, description };
}

let folder: string;
let env: NodeJS.ProcessEnv;
const running: ServiceHandle[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootstrap-'));
  await writeFile(join(folder, 'token'), `${token}\n`);
  env = {
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: folder,
    INTERNAL_TOKEN_FILE: join(folder, 'token'),
    LOG_LEVEL: 'silent',
    PROBE_LIMIT: '1000',
  };
});

afterEach(async () => {
  for (const service of running.splice(0)) await service.drain();
  await rm(folder, { recursive: true });
});

async function start(extra: NodeJS.ProcessEnv = {}) {
  const { probe, description } = probeService();
  const service = await startService(description, { ...env, ...extra });
  running.push(service);
  const address = `127.0.0.1:${service.grpcPort}`;
  const get = (path: string) => fetch(`http://127.0.0.1:${service.metricsPort}${path}`);
  return { probe, service, address, get, client: connect<ProbeServer>(probeDefinition, address, { token }) };
}

const code = (expected: string) => expect.objectContaining({ code: expected }) as unknown;

describe('calls', () => {
  test('of every kind are served, with the request id of the caller', async () => {
    const { client } = await start();
    expect(await client.echo({ text: 'hi' }, { requestId: 'r-1' })).toEqual({ text: 'hi', requestId: 'r-1' });
    const { requestId } = await client.echo({ text: 'hi' });
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    const counted = [];
    for await (const { value } of client.count({ to: 300 })) counted.push(value);
    expect(counted).toEqual(Array.from({ length: 300 }, (_, k) => k + 1));
    expect(await client.sum([{ value: 2 }, { value: 3 }])).toEqual({ value: 5 });
    client.close();
  });

  test('that fail carry the code of the error, also in the middle of a stream', async () => {
    const { client } = await start();
    await expect(client.echo({ text: 'refuse' })).rejects.toEqual(
      expect.objectContaining({ code: 'ABORTED', message: 'refused on purpose' }),
    );
    await expect(client.echo({ text: 'crash' })).rejects.toEqual(code('INTERNAL'));
    const counted: number[] = [];
    const counting = (async () => {
      for await (const { value } of client.count({ to: 5, failAt: 3 })) counted.push(value);
    })();
    await expect(counting).rejects.toEqual(code('NOT_FOUND'));
    expect(counted).toEqual([1, 2]);
    client.close();
  });

  test('without the internal token are refused, whatever their kind', async () => {
    const { address } = await start();
    for (const wrong of ['', 'other']) {
      const client = connect<ProbeServer>(probeDefinition, address, { token: wrong });
      await expect(client.echo({ text: 'hi' })).rejects.toEqual(code('UNAUTHENTICATED'));
      await expect(client.sum([{ value: 1 }])).rejects.toEqual(code('UNAUTHENTICATED'));
      await expect(client.count({ to: 1 })[Symbol.asyncIterator]().next()).rejects.toEqual(
        code('UNAUTHENTICATED'),
      );
      client.close();
    }
  });

  test('see the cancellation of their caller', async () => {
    const { client, probe } = await start();
    const abort = new AbortController();
    const held = client.hold({}, { signal: abort.signal });
    await until(() => probe.held !== undefined);
    abort.abort();
    await expect(held).rejects.toEqual(code('CANCELLED'));
    await until(() => probe.held!.signal.aborted);
    probe.release();
    client.close();
  });
});

describe('observability', () => {
  test('health needs no token and goes with the drain', async () => {
    const { address, get, service } = await start();
    const client = new Client(address, credentials.createInsecure());
    const check = healthService['Check'] as typeof probeDefinition.echo;
    const health = await new Promise((resolve, reject) => {
      const answered = (error: Error | null, response: unknown) =>
        error ? reject(error) : resolve(response);
      client.makeUnaryRequest(
        check!.path,
        check!.requestSerialize,
        check!.responseDeserialize,
        { service: 'probe.Probe' },
        new Metadata(),
        {},
        answered,
      );
    });
    expect(health).toEqual({ status: 'SERVING' });
    client.close();
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/livez')).status).toBe(200);
    expect((await get('/nothing')).status).toBe(404);
    await service.drain();
    running.pop();
    await expect(get('/livez')).rejects.toThrow();
  });

  test('metrics count each call once, by method and code', async () => {
    const { client, get } = await start({ TORI_TRACK: 'canary', TORI_REVISION: 'r7' });
    await client.echo({ text: 'hi' });
    await client.echo({ text: 'refuse' }).catch(() => undefined);
    const text = await (await get('/metrics')).text();
    const value = (name: string, ...labels: string[]) =>
      text
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
        .map((line) => Number(line.split(' ').at(-1)));
    const method = ['grpc_method="Echo"', 'grpc_service="probe.Probe"', 'track="canary"'];
    expect(value('grpc_server_started_total', ...method)).toEqual([2]);
    expect(value('grpc_server_handled_total', ...method, 'grpc_code="OK"')).toEqual([1]);
    expect(value('grpc_server_handled_total', ...method, 'grpc_code="ABORTED"')).toEqual([1]);
    expect(value('grpc_server_handling_seconds_count', ...method)).toEqual([2]);
    expect(value('tori_process_info', 'service="probe"', 'revision="r7"')).toEqual([1]);
    client.close();
  });
});

describe('drain', () => {
  test('lets open calls end, refuses new ones, then stops the service', async () => {
    const { address, client, probe, service, get } = await start();
    const held = client.hold({});
    await until(() => probe.held !== undefined);
    const drained = service.drain();
    running.pop();
    expect((await get('/readyz')).status).toBe(503);
    const late = connect<ProbeServer>(probeDefinition, address, { token, deadlineMs: 2_000 });
    await expect(late.echo({ text: 'late' })).rejects.toEqual(code('UNAVAILABLE'));
    expect(probe.stopped).toBe(false);
    probe.release();
    expect(await held).toEqual({});
    await drained;
    expect(probe.stopped).toBe(true);
    client.close();
    late.close();
  });

  test('cuts calls that outlast the limit, telling their handlers', async () => {
    const { client, probe, service } = await start({ DRAIN_TIMEOUT_MS: '50' });
    const held = client.hold({});
    const refused = expect(held).rejects.toBeInstanceOf(ServiceError);
    await until(() => probe.held !== undefined);
    running.pop();
    await service.drain();
    await refused;
    expect(probe.held!.signal.aborted).toBe(true);
    probe.release();
    client.close();
  });
});

describe('a wrong configuration names its variable', () => {
  const refusal = (pattern: RegExp) =>
    expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(pattern) }) as unknown;

  test.each([
    ['a missing variable', { GRPC_PORT: undefined }, /^GRPC_PORT is not set/],
    ['a port out of range', { METRICS_PORT: '70000' }, /^METRICS_PORT = "70000": /],
    [
      'a duration that is no number',
      { GRPC_MAX_CONNECTION_AGE_MS: '5m' },
      /^GRPC_MAX_CONNECTION_AGE_MS = "5m": /,
    ],
    ['a variable of the service', { PROBE_LIMIT: '-1' }, /^PROBE_LIMIT = "-1": /],
    ['a secret that is not there', { INTERNAL_TOKEN_FILE: '/nowhere/token' }, /^INTERNAL_TOKEN_FILE = /],
  ])('%s', async (_, wrong, pattern) => {
    await expect(start(wrong)).rejects.toEqual(refusal(pattern));
  });

  test('GRPC_HOST may be an IPv6 address; where there is none the port is refused by name', async () => {
    const here = Object.values(networkInterfaces()).some((all) =>
      all?.some(({ address }) => address === '::1'),
    );
    const started = start({ GRPC_HOST: '::1' });
    if (!here) {
      await expect(started).rejects.toEqual(refusal(/^GRPC_PORT = /));
      return;
    }
    const { service } = await started;
    const answer = await fetch(`http://[::1]:${service.metricsPort}/readyz`);
    expect(answer.status).toBe(200);
    const socket = connectTcp(service.grpcPort, '::1');
    await once(socket, 'connect');
    socket.destroy();
  });

  test.each(['GRPC_PORT', 'METRICS_PORT'])(
    'a taken %s, and what was started is stopped',
    async (variable) => {
      const squatter = createServer().listen(0, '127.0.0.1');
      await once(squatter, 'listening');
      const { port } = squatter.address() as AddressInfo;
      const { probe, description } = probeService();
      await expect(startService(description, { ...env, [variable]: String(port) })).rejects.toEqual(
        refusal(new RegExp(`^${variable} = "${port}": cannot listen there`)),
      );
      expect(probe.stopped).toBe(true);
      squatter.close();
    },
  );
});

describe('reflection', () => {
  test.each(['v1', 'v1alpha'])('%s lists services and gives files with their imports', async (version) => {
    const { address } = await start();
    const answers = await reflect(address, version, [
      field(7, '*'),
      field(4, 'tori.memory.v1.EpisodicVault'),
      field(4, 'tori.memory.v1.EpisodicVault.Put'),
      field(3, 'tori/memory/v1/types.proto'),
      field(4, 'no.such.Symbol'),
    ]);
    expect(strings(part(answers[0]!, 6), 1).map((service) => strings(service, 1).map(String)[0])).toEqual([
      'probe.Probe',
      'tori.memory.v1.EventLog',
    ]);
    const names = (answer: Uint8Array) =>
      strings(part(answer, 4), 1).map((file) => fromBinary(FileDescriptorProtoSchema, file).name);
    const withImports = ['tori/memory/v1/episodic_vault_service.proto', 'tori/memory/v1/types.proto'];
    expect(names(answers[1]!)).toEqual(withImports);
    expect(names(answers[2]!)).toEqual(withImports);
    expect(names(answers[3]!)).toEqual(['tori/memory/v1/types.proto']);
    expect(strings(part(answers[4]!, 7), 2).map(String)).toEqual(['no.such.Symbol is not known']);
  });

  test('needs the internal token', async () => {
    const { address } = await start();
    await expect(reflect(address, 'v1', [field(7, '*')], 'other')).rejects.toThrow('UNAUTHENTICATED');
  });
});

/** A request of one string field. */
function field(number: number, text: string): Buffer {
  return Buffer.from(new BinaryWriter().tag(number, WireType.LengthDelimited).string(text).finish());
}

/** Values of a length-delimited field, in order. */
function strings(message: Uint8Array, wanted: number): Buffer[] {
  const reader = new BinaryReader(message);
  const found: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === wanted && wireType === WireType.LengthDelimited) found.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType);
  }
  return found;
}

function part(message: Uint8Array, wanted: number): Buffer {
  return strings(message, wanted)[0]!;
}

/** Sends requests over one reflection stream; resolves to the raw answers. */
async function reflect(
  address: string,
  version: string,
  requests: Buffer[],
  bearer = token,
): Promise<Uint8Array[]> {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${bearer}`);
  const raw = (bytes: Buffer) => bytes;
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, raw, raw, metadata);
  try {
    for (const request of requests) call.write(request);
    call.end();
    const answers: Uint8Array[] = [];
    for await (const answer of call as AsyncIterable<Buffer>) answers.push(answer);
    return answers;
  } finally {
    client.close();
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
