import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../clock/clock.js';
import { CredentialSource, type Connection, type ConnectionOptions } from './connection.js';

const mountedServiceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the API server.
 * @throws Error when there is no usable kubeconfig and this is no pod
 */
export async function loadConnection(options: ConnectionOptions = {}): Promise<Connection> {
  const env = options.env ?? process.env;
  const named = options.kubeconfig ?? env['KUBECONFIG'];
  const inPod = env['KUBERNETES_SERVICE_HOST'] !== undefined;
  if ((named === undefined || named === '') && inPod) return podConnection(options);
  // The package costs 70 MB of memory (it loads a class for every kind there is), which pods need not pay.
  const { kubeconfigConnection } = await import('./kubeconfig.js');
  return kubeconfigConnection(options);
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
