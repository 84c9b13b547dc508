import { z } from 'zod';
import { logLevels } from '../logger.js';
import { milliseconds, port } from './config.js';

/** Environment that every gRPC service understands. */
export const serviceEnvironment = {
  /** Address to bind; loopback unless told otherwise. */
  GRPC_HOST: z.string().default('127.0.0.1'),
  GRPC_PORT: port,
  METRICS_PORT: port,
  /** Folder of everything this service keeps. */
  DATA_DIR: z.string(),
  /** File that holds the internal token which callers must carry. */
  INTERNAL_TOKEN_FILE: z.string(),
  LOG_LEVEL: z.enum(logLevels).default('info'),
  /** Age at which a connection is asked to reconnect; 0 means never. */
  GRPC_MAX_CONNECTION_AGE_MS: milliseconds.default(300_000),
  /** How long calls on such a connection may go on. */
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: milliseconds.default(60_000),
  /** How long a drain waits for open calls. */
  DRAIN_TIMEOUT_MS: milliseconds.default(10_000),
  /** How events travel: from each service's own outbox over gRPC, or through Redis. */
  BUS_DRIVER: z.enum(['embedded', 'redis']).default('embedded'),
  /** File that holds the URL of Redis, with its password. */
  REDIS_URL_FILE: z.string().optional(),
  /** What keeps clusters and tracks apart on one Redis. */
  BUS_PREFIX: z
    .string()
    .max(200)
    .regex(/^[a-z0-9.-]+:[a-z0-9.-]+:(stable|canary)$/, 'expected <namespace>:<cluster>:<stable or canary>')
    .optional(),
  /** About how many events a stream of Redis holds. */
  BUS_STREAM_EVENTS: z.coerce.number().int().min(100).max(10_000_000).default(100_000),
  /** Track that this process belongs to. */
  TORI_TRACK: z.enum(['stable', 'canary']).default('stable'),
  /** Revision that this process runs, as the operator named it. */
  TORI_REVISION: z.string().default('unmanaged'),
};

/** Parsed common configuration of a service. */
export type ServiceConfig = z.output<z.ZodObject<typeof serviceEnvironment>>;
