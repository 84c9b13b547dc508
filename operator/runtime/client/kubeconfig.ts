import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Clock } from '../clock/clock.js';
import { CredentialSource, type Connection, type Credentials } from './connection.js';

/** Where kubectl takes an empty text for nothing, so is it here. */
const text = z
  .string()
  .transform((value) => (value === '' ? undefined : value))
  .optional();

/** The forms of a kubeconfig's cluster and user that need nothing but the file. Anything else in them is refused. */
const cluster = z.strictObject({
  server: z.url(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': text,
  'proxy-url': text,
  'disable-compression': z.boolean().optional(),
});
const user = z.strictObject({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  username: text,
  password: text,
});
const context = z.object({ cluster: z.string(), user: z.string(), namespace: text });
const kubeconfig = z.object({
  'current-context': text,
  contexts: z.array(z.object({ name: z.string(), context })),
  clusters: z.array(z.object({ name: z.string(), cluster: z.unknown() })),
  users: z.array(z.object({ name: z.string(), user: z.unknown() })),
});

type Cluster = z.infer<typeof cluster>;
type User = z.infer<typeof user>;

interface Chosen {
  readonly context: string;
  readonly namespace: string | undefined;
  readonly cluster: Cluster;
  readonly user: User;
}

/**
 * The connection of a kubeconfig that needs no plugin. Tokens and certificates in files are read again as they age.
 * @returns undefined when something in it is not understood here; see `clientNodeConnection`
 */
export async function plainConnection(
  path: string,
  contextName: string | undefined,
  clock: Clock,
): Promise<Connection | undefined> {
  const load = async (name: string | undefined) => choose(parse(await readFile(path, 'utf8')), name);
  const chosen = await load(contextName);
  if (chosen === undefined) return undefined;
  const folder = dirname(path);
  const ca = await content(
    folder,
    chosen.cluster['certificate-authority'],
    chosen.cluster['certificate-authority-data'],
  );
  const servername = chosen.cluster['tls-server-name'];
  const proxy = chosen.cluster['proxy-url'];
  return {
    server: new URL(chosen.cluster.server),
    namespace: chosen.namespace ?? 'default',
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(servername === undefined ? {} : { servername }),
      ...(chosen.cluster['insecure-skip-tls-verify'] === true ? { rejectUnauthorized: false } : {}),
    },
    ...(proxy === undefined ? {} : { proxy }),
    // Whatever the file's current context is by then: these credentials are for this server.
    credentials: new CredentialSource(
      async () => credentialsOf(folder, ((await load(chosen.context)) ?? chosen).user),
      clock,
    ),
  };
}

function choose(file: unknown, contextName: string | undefined): Chosen | undefined {
  const config = kubeconfig.safeParse(file).data;
  if (config === undefined) return undefined;
  const name = contextName ?? config['current-context'];
  const wanted = named(config.contexts, name)?.context;
  if (name === undefined || wanted === undefined) return undefined;
  const itsCluster = cluster.safeParse(named(config.clusters, wanted.cluster)?.cluster).data;
  const itsUser = user.safeParse(named(config.users, wanted.user)?.user).data;
  if (itsCluster === undefined || itsUser === undefined) return undefined;
  return { context: name, namespace: wanted.namespace, cluster: itsCluster, user: itsUser };
}

function named<T extends { readonly name: string }>(entries: readonly T[], wanted?: string): T | undefined {
  return entries.find(({ name }) => name === wanted);
}

async function credentialsOf(folder: string, { username, password, ...user }: User): Promise<Credentials> {
  const cert = await content(folder, user['client-certificate'], user['client-certificate-data']);
  const key = await content(folder, user['client-key'], user['client-key-data']);
  const file = await content(folder, user.tokenFile, undefined);
  // As in client-go the file wins, because what stands in it can be newer.
  const token = file?.toString('utf8').trim() ?? user.token;
  return {
    headers: authorization(token, username, password),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function authorization(token?: string, username?: string, password = ''): Record<string, string> {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (username === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

async function content(folder: string, file?: string, base64?: string): Promise<Buffer | undefined> {
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  return file === undefined ? undefined : readFile(resolve(folder, file));
}
