import { randomUUID } from 'node:crypto';
import { once, type EventEmitter } from 'node:events';
import type {
  MethodDefinition,
  sendUnaryData,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  ServiceError as GrpcServiceError,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { grpcStatus, ServiceError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Authenticator } from './authentication.js';
import type { CallContext, Handlers } from './call.js';
import type { CallMetrics } from './call-metrics.js';

/** What the adapter needs for every call. */
export interface AdapterDependencies {
  readonly logger: Logger;
  readonly metrics: CallMetrics;
  readonly authenticate: Authenticator;
  /** Aborted when the server gives up waiting for open calls. */
  readonly shutdown: AbortSignal;
}

type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerReadableStream<unknown, unknown>;
type Method = MethodDefinition<unknown, unknown>;
type AnyHandler = (request: unknown, context: CallContext) => unknown;

/**
 * Turns promise handlers into a grpc-js implementation. Every call is authenticated, counted, timed and logged here,
 * and errors are mapped to a status here and nowhere else.
 */
export function adapt<Server>(
  definition: ServiceDefinition,
  handlers: Handlers<Server>,
  dependencies: AdapterDependencies,
): UntypedServiceImplementation {
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const handler = (handlers as Record<string, AnyHandler>)[name];
    if (handler === undefined) throw new Error(`no handler for ${method.path}`);
    const bound = handler.bind(handlers);
    implementation[name] = adaptMethod(method, bound, dependencies);
  }
  return implementation;
}

function adaptMethod(method: Method, handler: AnyHandler, dependencies: AdapterDependencies) {
  if (method.responseStream && method.requestStream) {
    throw new Error(`${method.path}: bidirectional streams are not supported by this adapter`);
  }
  if (method.responseStream) {
    return (call: ServerWritableStream<unknown, unknown>) => {
      void observe(method, call, dependencies, async (context) => {
        await pump(handler(call.request, context) as AsyncIterable<unknown>, call, context.signal);
      }).then((error) => {
        // grpc-js sends the status of an 'error' event; destroy() would end the stream without any.
        if (error === undefined) call.end();
        else call.emit('error', wireError(error));
      });
    };
  }
  return (
    call: ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown>,
    callback: sendUnaryData<unknown>,
  ) => {
    let response: unknown;
    void observe(method, call, dependencies, async (context) => {
      const input = 'request' in call ? call.request : completeRequests(call, context.signal);
      response = await handler(input, context);
    }).then((error) => {
      if (error === undefined) callback(null, response);
      else callback(wireError(error));
    });
  };
}

/** Runs one call; resolves to its error or to undefined, never rejects. */
async function observe(
  method: Method,
  call: AnyCall,
  dependencies: AdapterDependencies,
  run: (context: CallContext) => Promise<void>,
): Promise<ServiceError | undefined> {
  const observation = dependencies.metrics.start(method);
  const requestId = call.metadata.get('x-request-id')[0]?.toString() ?? randomUUID();
  const logger = dependencies.logger.child({ requestId, method: method.path });
  const cancelled = new AbortController();
  (call as EventEmitter).on('cancelled', () => cancelled.abort());
  const signal = AbortSignal.any([cancelled.signal, dependencies.shutdown]);
  try {
    dependencies.authenticate(call.metadata);
    await run({ requestId, signal, logger, metadata: call.metadata });
    observation.end('OK');
    return undefined;
  } catch (thrown) {
    const error = signal.aborted
      ? new ServiceError('CANCELLED', 'the call was cancelled', { cause: thrown })
      : ServiceError.from(thrown);
    observation.end(error.code);
    if (error.code === 'INTERNAL') logger.error({ err: error.cause ?? error }, 'call failed');
    else logger.debug({ code: error.code, reason: error.message }, 'call refused');
    return error;
  }
}

/**
 * Reads a client stream, and throws at its end when the caller reset it: grpc-js ends a reset stream as if the caller
 * had closed it, before it tells of the cancellation, and half a request must not pass for a whole one.
 */
async function* completeRequests(
  call: ServerReadableStream<unknown, unknown>,
  signal: AbortSignal,
): AsyncIterable<unknown> {
  yield* call;
  // Sending headers makes grpc-js look at the connection; a reset is reported in the next tick.
  call.sendMetadata(new Metadata());
  await new Promise(setImmediate);
  signal.throwIfAborted();
}

/** Writes a stream with back-pressure. */
async function pump(
  responses: AsyncIterable<unknown>,
  call: ServerWritableStream<unknown, unknown>,
  signal: AbortSignal,
): Promise<void> {
  for await (const response of responses) {
    signal.throwIfAborted();
    if (!call.write(response)) await once(call, 'drain', { signal });
  }
}

function wireError(error: ServiceError): Partial<GrpcServiceError> & Error {
  return Object.assign(new Error(error.message), {
    code: grpcStatus(error.code),
    details: error.message,
    metadata: new Metadata(),
  });
}
