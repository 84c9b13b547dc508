import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const present = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;

/** Why tests that need redis-server are skipped; undefined when they run. In CI they always run, and fail without it. */
export const redisMissing =
  present || process.env['CI'] !== undefined ? undefined : 'redis-server is not installed';

/** A redis-server of this test alone, with a password and an append-only file. */
export class RedisServer {
  readonly password = 'p@ss/word';
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'redis-'));
  readonly #syncing: 'always' | 'everysec';
  #process: ChildProcess | undefined;

  private constructor(port: number, syncing: 'always' | 'everysec') {
    this.port = port;
    this.#syncing = syncing;
  }

  static async start(syncing: 'always' | 'everysec' = 'everysec'): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), syncing);
    await server.restart();
    return server;
  }

  /** URL of this server, or of a proxy in front of it. */
  url(port = this.port): string {
    return `redis://:${encodeURIComponent(this.password)}@127.0.0.1:${port}`;
  }

  /** Starts it again on the same port with what its append-only file holds; resolves once it answers. */
  async restart(): Promise<void> {
    const settings = {
      port: this.port,
      bind: '127.0.0.1',
      dir: this.#folder,
      requirepass: this.password,
      appendonly: 'yes',
      appendfsync: this.#syncing,
      save: '',
      'maxmemory-policy': 'noeviction',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#process = spawn('redis-server', args, { stdio: 'ignore' });
    while (!this.#answers()) await sleep(20);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    if (this.#process === undefined) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
    this.#process = undefined;
  }

  /** Removes what it has written, as the loss of a volume would; call it while it is down. */
  loseFiles(): void {
    rmSync(join(this.#folder, 'appendonlydir'), { recursive: true, force: true });
  }

  /** Stops it without closing its connections, until {@link thaw}. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Runs a command of redis-cli and gives what it prints. */
  cli(...command: string[]): string {
    const args = ['-p', String(this.port), '--no-auth-warning', '-a', this.password, ...command];
    const { stdout, status } = spawnSync('redis-cli', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (status !== 0) throw new Error(`redis-cli ${command.join(' ')} ended with ${String(status)}`);
    return stdout.trim();
  }

  async close(): Promise<void> {
    this.thaw();
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers(): boolean {
    try {
      return this.cli('PING') === 'PONG';
    } catch {
      return false;
    }
  }
}

/** A way to a port that can be cut and mended. */
export class CuttableProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      if (this.#cut) {
        client.destroy();
        return;
      }
      const upstream = connect(target, '127.0.0.1');
      this.#tie(client, upstream);
      this.#tie(upstream, client);
    });
  }

  static async open(target: number): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Breaks all connections and refuses new ones. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #tie(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.pipe(to);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}
