import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Handlers } from './call.js';

/** A gRPC service with its handlers. */
export interface ServedService {
  readonly definition: ServiceDefinition;
  /** Full name, for example `tori.memory.v1.EpisodicVault`. */
  readonly name: string;
  readonly handlers: Record<string, unknown>;
}

/** Pairs a generated definition with promise handlers of its generated `…Server` interface. */
export function serve<Server>(
  name: string,
  definition: ServiceDefinition,
  handlers: Handlers<Server>,
): ServedService {
  return { name, definition, handlers };
}
