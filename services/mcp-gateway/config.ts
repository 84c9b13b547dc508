import { z } from 'zod';
import { list, milliseconds, port } from '../common/config/config.js';
import { logLevels } from '../common/logger.js';

const origin = z.url({
  protocol: /^https?$/,
  error: 'expected origins such as https://app.example.com, comma-separated',
});

/** Environment of the gateway. */
export const gatewayEnvironment = {
  /** Address to bind; loopback unless told otherwise. */
  GATEWAY_HOST: z.string().default('127.0.0.1'),
  GATEWAY_PORT: port.default(8787),
  METRICS_PORT: port.default(9095),
  /** File that the operator publishes the shard table to. */
  SHARD_TABLE_FILE: z.string(),
  /** File with the key that clients must carry. */
  API_KEY_FILE: z.string(),
  /** File with the token that the services want. */
  INTERNAL_TOKEN_FILE: z.string(),
  /** Origins of front ends besides loopback, comma-separated. */
  GATEWAY_ALLOWED_ORIGINS: list.pipe(z.array(origin)),
  /** Part of the acknowledged puts that is read back and compared. */
  GATEWAY_VERIFY_SHARE: z.coerce.number().min(0).max(1).default(0.05),
  /** Requests a second that one client may keep up; 0 means any number. */
  GATEWAY_RATE_PER_SECOND: z.coerce.number().min(0).max(1_000_000).default(0),
  /** Requests that it may make at once after a rest. */
  GATEWAY_RATE_BURST: z.coerce.number().int().min(1).max(1_000_000).default(100),
  LOG_LEVEL: z.enum(logLevels).default('info'),
  /** How long a drain waits for open calls. */
  DRAIN_TIMEOUT_MS: milliseconds.default(10_000),
  /** Revision that this process runs, as the operator named it. */
  TORI_REVISION: z.string().default('unmanaged'),
};

/** Parsed configuration of the gateway. */
export type GatewayConfig = z.output<z.ZodObject<typeof gatewayEnvironment>>;
