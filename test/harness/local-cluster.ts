import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { homeOf } from '../../operator/platform/local/home.js';
import { ResourceStore, type StoredResource } from '../../operator/platform/local/resources/store.js';

const endpointsSchema = z.object({
  ready: z.literal(true),
  mcp: z.url(),
  apiKeyFile: z.string(),
  home: z.string(),
  cluster: z.string(),
  services: z.record(z.string(), z.object({ grpc: z.string(), metrics: z.string() })),
});

/** What `tori up --headless` printed. */
export type Endpoints = z.output<typeof endpointsSchema>;

/** A whole TORI Memory in its own home and port range, started as a user starts it. */
export interface LocalCluster {
  readonly endpoints: Endpoints;
  readonly apiKey: string;
  readonly env: NodeJS.ProcessEnv;
  /** Pids of what runs now, by name such as `stable/episodic-vault`, `stable/mcp-gateway` or `operator`. */
  pids(): Map<string, number>;
  /** Runs the `tori` command and gives its exit code and output. */
  tori(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** A resource with its status, as `tori get` reads it. */
  resource(kind: string, name: string): StoredResource;
  stop(): Promise<number>;
}

/** The repository's root, seen from source and from dist/. */
export const packageRoot = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../..' : '../..', import.meta.url),
);
export const toriBin = join(packageRoot, 'bin', 'tori.js');

/** How a local cluster is started. */
export interface LocalClusterOptions {
  /** File of resources to use in place of the quick start. */
  readonly manifests?: string;
  /** Contents of secrets, by `<name>/<key>`. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Archive (.tgz) of a home to go on from. */
  readonly home?: string;
}

/** Starts `tori up --headless` and waits for its line. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const home = mkdtempSync(join(tmpdir(), 'tori-'));
  if (options.home !== undefined) execFileSync('tar', ['-xzf', options.home, '-C', home]);
  for (const [secret, content] of Object.entries(options.secrets ?? {})) {
    const file = join(home, 'secrets', secret);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: 0o600 });
  }
  const env = { ...process.env, TORI_HOME: home, TORI_PORT_OFFSET: String(await freeOffset()) };
  const args = ['up', '--headless', ...(options.manifests === undefined ? [] : ['-f', options.manifests])];
  const child = spawn(process.execPath, [toriBin, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await firstLine(child);
  const endpoints = endpointsSchema.parse(JSON.parse(line));
  return {
    endpoints,
    env,
    apiKey: readFileSync(endpoints.apiKeyFile, 'utf8').trim(),
    pids: () => runningPids(home),
    tori: (...command) => runTori(env, command),
    resource(kind, name) {
      const found = new ResourceStore(homeOf(env))
        .read()
        .resources.find((one) => one.kind === kind && one.metadata.name === name);
      if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
      return found;
    },
    async stop() {
      child.kill('SIGINT');
      const [code] = (await once(child, 'exit')) as [number | null];
      rmSync(home, { recursive: true, force: true });
      return code ?? -1;
    },
  };
}

/** Runs the `tori` command in an environment. */
export async function runTori(
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [toriBin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, stdout, stderr };
}

const processSchema = z.object({ key: z.string(), pid: z.number() });

function runningPids(home: string): Map<string, number> {
  const folder = join(home, 'run', 'processes');
  const pids = new Map<string, number>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const record = processSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    pids.set(record.key, record.pid);
  }
  const operator = Number(readFileSync(join(home, 'run', 'operator.pid'), 'utf8'));
  return pids.set('operator', operator);
}

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`tori up ended with code ${String(code)} before it was ready`);
  });
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  return line;
}

/** A shift of all ports at which the first ones of each kind are free, so that suites can run side by side. */
export async function freeOffset(): Promise<number> {
  for (;;) {
    const offset = 1_000 + Math.floor(Math.random() * 13_000);
    const ports = [50_051, 50_052, 50_053, 50_054, 50_151, 8_787, 9_091, 9_096, 9_191].map(
      (port) => port + offset,
    );
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return offset;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
