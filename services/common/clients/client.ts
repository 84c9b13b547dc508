import {
  Client,
  credentials,
  Metadata,
  type CallOptions,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { once } from 'node:events';
import { ServiceError } from '../errors.js';
import { Line } from './line.js';

/** How a client talks. */
export interface ClientOptions {
  /** Internal token, sent as `authorization: Bearer`. */
  readonly token: string;
  /** Deadline of unary and client-stream calls, in milliseconds. Default 30 000. */
  readonly deadlineMs?: number;
}

/** Options of one call. */
export interface CallSettings {
  readonly signal?: AbortSignal;
  readonly requestId?: string;
  /** Overrides the client's deadline, in milliseconds; for a server stream, sets one. */
  readonly deadlineMs?: number;
}

/** The promise form of a generated `…Server` interface, seen from the caller. */
export type ServiceClient<Server> = {
  [Method in keyof Server as string extends Method ? never : Method]: Server[Method] extends handleUnaryCall<
    infer Request,
    infer Response
  >
    ? (request: Request, settings?: CallSettings) => Promise<Response>
    : Server[Method] extends handleServerStreamingCall<infer Request, infer Response>
      ? (request: Request, settings?: CallSettings) => AsyncIterable<Response>
      : Server[Method] extends handleClientStreamingCall<infer Request, infer Response>
        ? (requests: Iterable<Request> | AsyncIterable<Request>, settings?: CallSettings) => Promise<Response>
        : never;
} & {
  /** Closes the connection; calls in flight end with CANCELLED. */
  close(): void;
};

type Method = MethodDefinition<unknown, unknown>;

/**
 * Only UNAVAILABLE is retried: the server has not begun the call, or is draining. Four attempts over about two seconds
 * cover the restart of a peer's listener without hiding a peer that is down.
 */
const serviceConfig = JSON.stringify({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: '0.1s',
        maxBackoff: '1s',
        backoffMultiplier: 3,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
});

const channelOptions = {
  'grpc.service_config': serviceConfig,
  // A peer whose machine is gone sends no reset: it is found out within a quarter of a minute.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc-node.flow_control_window': 4 * 1024 * 1024,
  // A new channel must not wait for the connection of the one that it replaces.
  'grpc.use_local_subchannel_pool': 1,
};

/** Opens a client of one service. Connects lazily; failures surface as ServiceError with the peer's code. */
export function connect<Server>(
  definition: ServiceDefinition,
  address: string,
  options: ClientOptions,
): ServiceClient<Server> {
  const open = () => new Client(address, credentials.createInsecure(), channelOptions);
  const line = new Line(open);
  const methods: Record<string, unknown> = { close: () => line.close() };
  for (const [name, method] of Object.entries(definition)) methods[name] = caller(line, method, options);
  return methods as ServiceClient<Server>;
}

function caller(line: Line<Client>, method: Method, options: ClientOptions) {
  if (method.responseStream) {
    return (request: unknown, settings: CallSettings = {}) =>
      readStream(line.channel(), method, request, { options, settings });
  }
  if (method.requestStream) {
    return (requests: AsyncIterable<unknown>, settings: CallSettings = {}) =>
      writeStream(line.channel(), method, requests, { options, settings });
  }
  return (request: unknown, settings: CallSettings = {}) => {
    const until = callOptions(settings.deadlineMs ?? options.deadlineMs ?? 30_000);
    return line.call(
      (channel) =>
        new Promise((resolve, reject) => {
          const call = channel.makeUnaryRequest(
            method.path,
            method.requestSerialize,
            method.responseDeserialize,
            request,
            metadataOf(options, settings),
            until,
            (error, response) => (error === null ? resolve(response) : reject(ServiceError.from(error))),
          );
          cancelOn(settings.signal, call);
        }),
    );
  };
}

async function* readStream(
  channel: Client,
  method: Method,
  request: unknown,
  { options, settings }: { options: ClientOptions; settings: CallSettings },
): AsyncIterable<unknown> {
  const call = channel.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    metadataOf(options, settings),
    settings.deadlineMs === undefined ? {} : callOptions(settings.deadlineMs),
  );
  cancelOn(settings.signal, call);
  try {
    yield* call;
  } catch (thrown) {
    throw ServiceError.from(thrown);
  } finally {
    call.cancel();
  }
}

async function writeStream(
  channel: Client,
  method: Method,
  requests: Iterable<unknown> | AsyncIterable<unknown>,
  { options, settings }: { options: ClientOptions; settings: CallSettings },
): Promise<unknown> {
  const ended = new AbortController();
  const response = new Promise<unknown>((resolve, reject) => {
    const call = channel.makeClientStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadataOf(options, settings),
      settings.deadlineMs === undefined ? {} : callOptions(settings.deadlineMs),
      (error, value) => {
        ended.abort();
        if (error === null) resolve(value);
        else reject(ServiceError.from(error));
      },
    );
    cancelOn(settings.signal, call);
    const feed = async () => {
      for await (const request of requests) {
        if (ended.signal.aborted) return;
        if (!call.write(request)) await once(call, 'drain', { signal: ended.signal });
      }
      call.end();
    };
    feed().catch((error: unknown) => {
      // After the server has answered, its answer stands; before, the source of the requests failed.
      if (ended.signal.aborted) return;
      call.cancel();
      reject(ServiceError.from(error));
    });
  });
  return response;
}

function metadataOf(options: ClientOptions, settings: CallSettings): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${options.token}`);
  if (settings.requestId !== undefined) metadata.set('x-request-id', settings.requestId);
  return metadata;
}

function callOptions(deadlineMs: number): CallOptions {
  return { deadline: Date.now() + deadlineMs };
}

/** Cancels the call when the signal is aborted; a signal that outlives many calls keeps none of them. */
function cancelOn(signal: AbortSignal | undefined, call: Cancellable): void {
  if (signal === undefined) return;
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  call.once('status', () => signal.removeEventListener('abort', cancel));
}

interface Cancellable {
  cancel(): void;
  /** Emitted once, at the end of every call. */
  once(event: 'status', listener: () => void): unknown;
}
