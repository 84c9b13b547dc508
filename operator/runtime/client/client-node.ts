import { existsSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../clock/clock.js';
import { CredentialSource, type Connection, type Credentials, type ServerTls } from './connection.js';

/**
 * The connection that kubeconfigs describe, with everything that client-node understands: exec plugins, OpenID Connect,
 * cloud providers, impersonation, several files merged.
 * @param paths one or more files; the first one that sets something wins
 * @throws Error when the context names no cluster
 */
export async function clientNodeConnection(
  paths: readonly string[],
  context: string | undefined,
  clock: Clock,
): Promise<Connection> {
  const config = loadKubeconfig(paths, context);
  // Whatever the files' current context is by then: these credentials are for this server.
  const load = () => loadKubeconfig(paths, config.getCurrentContext());
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new Error(`context "${config.getCurrentContext()}" of the kubeconfig names no cluster`);
  const { tls } = await ask(config);
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  // A new KubeConfig each time: an old one hands out what its plugin said before.
  const credentials = async () => (await ask(load())).credentials;
  return {
    server: new URL(cluster.server),
    namespace: namespace ?? 'default',
    tls,
    ...(cluster.proxyUrl === undefined ? {} : { proxy: cluster.proxyUrl }),
    credentials: new CredentialSource(credentials, clock),
  };
}

function loadKubeconfig(paths: readonly string[], context: string | undefined): KubeConfig {
  const config = new KubeConfig();
  // As for kubectl, a file of several may be missing.
  const there = paths.length === 1 ? paths : paths.filter((path) => existsSync(path));
  there.forEach((path, k) => {
    const one = k === 0 ? config : new KubeConfig();
    one.loadFromFile(path);
    if (k > 0) config.mergeConfig(withoutKnown(one, config), Boolean(config.getCurrentContext()));
  });
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}

/** Names that are taken already stay what they are; the package refuses them otherwise. */
function withoutKnown(one: KubeConfig, taken: KubeConfig): KubeConfig {
  const fresh = <T extends { readonly name: string }>(of: readonly T[], known: readonly T[]) =>
    of.filter(({ name }) => known.every((other) => other.name !== name));
  one.clusters = fresh(one.clusters, taken.clusters);
  one.users = fresh(one.users, taken.users);
  one.contexts = fresh(one.contexts, taken.contexts);
  return one;
}

async function ask(config: KubeConfig): Promise<{ tls: ServerTls; credentials: Credentials }> {
  const answer: RequestOptions = {};
  await config.applyToHTTPSOptions(answer);
  const { ca, cert, key, servername, rejectUnauthorized } = answer;
  return {
    tls: {
      ...(isPem(ca) ? { ca } : {}),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    },
    credentials: {
      headers: headersOf(answer),
      ...(isPem(cert) ? { cert } : {}),
      ...(isPem(key) ? { key } : {}),
    },
  };
}

function isPem(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

function headersOf({ auth, headers }: RequestOptions): Record<string, string> {
  const found: Record<string, string> = {};
  if (typeof auth === 'string') found['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  for (const [name, value] of Object.entries(headers ?? {})) found[name.toLowerCase()] = String(value).trim();
  return found;
}
