import { ConfigError, readSecretFile } from '../../config/config.js';

/** Where Redis is and how to be let in. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** Number of the database. */
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  /** Present for TLS. */
  readonly tls?: Readonly<Record<string, never>>;
}

/** How the driver reaches Redis and how long it waits. */
export interface RedisSettings {
  /** Where Redis is, read again before every connection, so that a rotated secret is taken up. */
  readonly address: () => RedisAddress;
  /** `<namespace>:<cluster>:<track>`: what all keys begin with. */
  readonly prefix: string;
  /** About how many events a stream holds; older ones are read from their source's outbox. */
  readonly streamEvents: number;
  readonly timing: RedisTiming;
}

/** Times of the driver, in milliseconds. */
export interface RedisTiming {
  /** Longest wait for a connection or an answer. */
  readonly answerMs: number;
  /** Longest rest of a relay or subscriber without looking at the stream: what a lost hint costs at most. */
  readonly restMs: number;
  /** How long an event stays with a consumer that does not acknowledge it before another takes it over. */
  readonly staleMs: number;
}

export const defaultTiming: RedisTiming = { answerMs: 5_000, restMs: 1_000, staleMs: 60_000 };

const expected = 'expected redis://[user:password@]host[:port][/database], or rediss:// for TLS';

/**
 * Reads the URL of Redis from a file.
 * @throws ConfigError naming REDIS_URL_FILE, never showing what the file holds
 */
export function readRedisAddress(path: string): RedisAddress {
  const refuse = () => new ConfigError(`REDIS_URL_FILE = ${JSON.stringify(path)}: ${expected} in the file`);
  const text = readSecretFile('REDIS_URL_FILE', path);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isAddress(url)) throw refuse();
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(url.pathname.slice(1)),
    ...credentials(url, refuse),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  };
}

/** Query parameters would be options of some client; none is understood here, so none is ignored in silence. */
function isAddress({ protocol, hostname, pathname, search, hash }: URL): boolean {
  const known = protocol === 'redis:' || protocol === 'rediss:';
  return known && hostname !== '' && /^\/?\d{0,4}$/.test(pathname) && search === '' && hash === '';
}

function credentials(
  { username, password }: URL,
  refuse: () => ConfigError,
): Pick<RedisAddress, 'username' | 'password'> {
  try {
    return {
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
    };
  } catch {
    throw refuse();
  }
}
