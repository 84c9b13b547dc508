import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { systemClock } from '../clock/clock.js';
import { CredentialSource, type Connection, type ConnectionOptions } from './connection.js';

const mountedServiceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the API server.
 * @throws Error when there is no usable kubeconfig and this is no pod
 */
export async function loadConnection(options: ConnectionOptions = {}): Promise<Connection> {
  const env = options.env ?? process.env;
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  const named = options.kubeconfig === undefined ? listed : [options.kubeconfig];
  if (named.length === 0 && env['KUBERNETES_SERVICE_HOST'] !== undefined) return podConnection(options);
  return kubeconfigConnection(named.length === 0 ? [join(homedir(), '.kube', 'config')] : named, options);
}

async function kubeconfigConnection(
  paths: readonly string[],
  { context, clock = systemClock }: ConnectionOptions,
): Promise<Connection> {
  const [path] = paths;
  if (path !== undefined && paths.length === 1) {
    const { plainConnection } = await import('./kubeconfig.js');
    const plain = await plainConnection(path, context, clock);
    if (plain !== undefined) return plain;
  }
  // The package takes 70 MB of memory (a class for every kind there is), which only those pay who need its plugins.
  const { clientNodeConnection } = await import('./client-node.js');
  return clientNodeConnection(paths, context, clock);
}

/** The connection of a pod: address from the environment, certificate and token from the mounted service account. */
function podConnection(options: ConnectionOptions): Connection {
  const env = options.env ?? process.env;
  const folder = options.serviceAccountFolder ?? mountedServiceAccount;
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const load = async () => {
    const token = (await readFile(join(folder, 'token'), 'utf8')).trim();
    return { headers: { authorization: `Bearer ${token}` } };
  };
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    namespace: readFileSync(join(folder, 'namespace'), 'utf8').trim(),
    tls: { ca: readFileSync(join(folder, 'ca.crt')) },
    credentials: new CredentialSource(load, options.clock ?? systemClock),
  };
}
