import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../clock/clock.js';
import {
  CredentialSource,
  type Connection,
  type ConnectionOptions,
  type Credentials,
  type ServerTls,
} from './connection.js';

/**
 * The connection that a kubeconfig describes, with everything that client-node understands: tokens, token files, client
 * certificates, basic authentication, exec plugins, OpenID Connect.
 * @throws Error when its context names no cluster
 */
export async function kubeconfigConnection(options: ConnectionOptions): Promise<Connection> {
  const load = () => loadKubeconfig(options);
  const config = load();
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
    credentials: new CredentialSource(credentials, options.clock ?? systemClock),
  };
}

function loadKubeconfig(options: ConnectionOptions): KubeConfig {
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  if (options.context !== undefined) config.setCurrentContext(options.context);
  return config;
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
