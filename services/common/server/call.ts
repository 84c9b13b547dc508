import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
} from '@grpc/grpc-js';
import type { Logger } from '../logger.js';

/** What a handler knows of its call besides the request. */
export interface CallContext {
  /** Follows the request through logs; taken from `x-request-id` or drawn. */
  readonly requestId: string;
  /** Aborted when the caller cancels, its deadline passes, or the server shuts down. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly metadata: Metadata;
}

/**
 * The promise form of a generated `…Server` interface: unary methods return a promise, server streams an async iterable,
 * client streams take one. Handlers throw ServiceError; the adapter turns it into a status.
 */
export type Handlers<Server> = {
  [Method in keyof Server as string extends Method ? never : Method]: Server[Method] extends handleUnaryCall<
    infer Request,
    infer Response
  >
    ? (request: Request, context: CallContext) => Promise<Response> | Response
    : Server[Method] extends handleServerStreamingCall<infer Request, infer Response>
      ? (request: Request, context: CallContext) => AsyncIterable<Response>
      : Server[Method] extends handleClientStreamingCall<infer Request, infer Response>
        ? (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>
        : never;
};
