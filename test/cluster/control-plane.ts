import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { stringify } from 'yaml';
import { programs } from './binaries.js';
import { runKubectl, type CommandResult } from './kubectl.js';

/** What to start beside etcd and the API server. */
export interface ControlPlaneOptions {
  /** The controllers of Kubernetes itself: garbage collection, StatefulSets, Deployments, namespaces. */
  readonly controllers?: boolean;
  /** The scheduler, for a cluster that has nodes. */
  readonly scheduler?: boolean;
  /** Where the API server listens; loopback unless set. A node must be able to reach it. */
  readonly address?: string;
  /** Writes every request to a log of its own, see {@link ControlPlane.auditLog}. */
  readonly audit?: boolean;
  /** More flags of the API server. */
  readonly apiServerFlags?: readonly string[];
}

/** A real etcd and a real kube-apiserver of one's own. */
export interface ControlPlane {
  /** `https://127.0.0.1:PORT`, or with the address asked for. */
  readonly server: string;
  /** Path of a kubeconfig whose user may do everything (`system:masters`). */
  readonly kubeconfig: string;
  /** Everything that belongs to it: logs, data, certificates. */
  readonly folder: string;
  /** The audit log's file; a JSON object a line, with request and response bodies of writes. */
  readonly auditLog: string;
  /** Runs kubectl as that user; `input` is its standard input. Never throws for an exit code. */
  kubectl(args: readonly string[], input?: string): Promise<CommandResult>;
  /** Path of a kubeconfig that carries another token, made for example by `kubectl create token`. */
  kubeconfigOf(name: string, token: string): string;
  /** Cuts the API server off (SIGKILL) and starts it again on the same data. */
  restartApiServer(): Promise<void>;
  stop(): Promise<void>;
}

const adminToken = 'control-plane-admin';

/** Starts a control plane; ready when `/readyz` answers, in about three seconds. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'tori-control-plane-'));
  const [etcdPath, apiServerPath, kubectlPath] = programs('etcd', 'kube-apiserver', 'kubectl');
  const [client, peer, secure] = await freePorts(3);
  const children: ChildProcess[] = [];
  const run = (name: string, path: string, args: readonly string[]) => {
    const child = startProgram(folder, name, path, args);
    children.push(child);
    return child;
  };

  writeCredentials(folder);
  run('etcd', etcdPath, [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${client}`,
    `--advertise-client-urls=http://127.0.0.1:${client}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-cluster=default=http://127.0.0.1:${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]);
  const address = options.address ?? '127.0.0.1';
  const server = `https://${address}:${secure}`;
  const auditLog = join(folder, 'audit.log');
  const startApiServer = async () => {
    const child = run('kube-apiserver', apiServerPath, [
      `--etcd-servers=http://127.0.0.1:${client}`,
      `--secure-port=${secure}`,
      `--bind-address=${address}`,
      `--cert-dir=${join(folder, 'certificates')}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      `--service-account-key-file=${join(folder, 'service-accounts.pub')}`,
      `--service-account-signing-key-file=${join(folder, 'service-accounts.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=RBAC',
      '--allow-privileged=true',
      '--endpoint-reconciler-type=none',
      ...(options.audit === true
        ? [
            `--audit-policy-file=${join(folder, 'audit-policy.yaml')}`,
            `--audit-log-path=${auditLog}`,
            '--audit-log-mode=blocking',
            // In megabytes; a log that is rotated would be read from the wrong place.
            '--audit-log-maxsize=100000',
          ]
        : []),
      ...(options.apiServerFlags ?? []),
    ]);
    await ready(server, child);
    return child;
  };
  const stop = async () => {
    for (const child of [...children].reverse()) await end(child, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    let apiServer = await startApiServer();
    const kubeconfig = writeKubeconfig(folder, 'admin', server, adminToken);
    if (options.controllers === true) startControllers(folder, kubeconfig, run);
    if (options.scheduler === true) startScheduler(kubeconfig, run);
    return {
      server,
      kubeconfig,
      folder,
      auditLog,
      kubectl: (args, input) => runKubectl(kubectlPath, ['--kubeconfig', kubeconfig, ...args], input),
      kubeconfigOf: (name, token) => writeKubeconfig(folder, name, server, token),
      async restartApiServer() {
        await end(apiServer, 'SIGKILL');
        apiServer = await startApiServer();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startControllers(
  folder: string,
  kubeconfig: string,
  run: (name: string, path: string, args: readonly string[]) => ChildProcess,
): void {
  const [path] = programs('kube-controller-manager');
  run('kube-controller-manager', path, [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--use-service-account-credentials=false',
    `--service-account-private-key-file=${join(folder, 'service-accounts.key')}`,
    `--root-ca-file=${join(folder, 'certificates', 'apiserver.crt')}`,
  ]);
}

function startScheduler(
  kubeconfig: string,
  run: (name: string, path: string, args: readonly string[]) => ChildProcess,
): void {
  const [path] = programs('kube-scheduler');
  run('kube-scheduler', path, [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0']);
}

function writeCredentials(folder: string): void {
  mkdirSync(join(folder, 'certificates'));
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  writeFileSync(join(folder, 'service-accounts.key'), privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'service-accounts.pub'), publicKey);
  writeFileSync(join(folder, 'tokens.csv'), `${adminToken},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived', 'ResponseStarted'],
    rules: [
      { level: 'Metadata', verbs: ['get', 'list', 'watch'] },
      { level: 'Metadata', resources: [{ group: '', resources: ['secrets'] }] },
      { level: 'RequestResponse' },
    ],
  };
  writeFileSync(join(folder, 'audit-policy.yaml'), stringify(policy));
}

function writeKubeconfig(folder: string, name: string, server: string, token: string): string {
  const path = join(folder, `${name}.kubeconfig`);
  const certificate = readFileSync(join(folder, 'certificates', 'apiserver.crt'));
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: {
          server,
          'certificate-authority-data': certificate.toString('base64'),
        },
      },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: name, namespace: 'default' } }],
    'current-context': 'test',
  };
  writeFileSync(path, stringify(config), { mode: 0o600 });
  return path;
}

/** Where Linux ends a program together with the one that started it; elsewhere a killed test leaves its control plane behind. */
const untilParentDies = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];

/** Starts a program whose output goes to `NAME.log` in the folder. */
function startProgram(folder: string, name: string, path: string, args: readonly string[]): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), 'a');
  const [command, ...rest] = [...untilParentDies, path, ...args];
  const child = spawn(command!, rest, { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

async function ready(server: string, child: ChildProcess): Promise<void> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const giveUp = AbortSignal.timeout(120_000);
  try {
    while (!giveUp.aborted) {
      if (child.exitCode !== null) throw new Error(`kube-apiserver ended with code ${child.exitCode}`);
      const answer = await request(`${server}/readyz`, { dispatcher }).catch(() => undefined);
      await answer?.body.dump();
      if (answer?.statusCode === 200) return;
      await sleep(100);
    }
    throw new Error('kube-apiserver was not ready within 120 s');
  } finally {
    await dispatcher.close();
  }
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(late);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
