import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Addresses of a {@link Machine}. */
export interface MachineNetwork {
  /** Name of this host's end of the link. */
  readonly interface: string;
  /** Address of this host on the link to the machine. */
  readonly host: string;
  /** Address of the machine on that link. */
  readonly machine: string;
  /** Network of the machine's pods; this host has a route to it. */
  readonly pods: string;
  /** Network of its cluster's services; this host has a route to it, too. */
  readonly services: string;
}

/** A program that runs inside a {@link Machine}. */
export interface MachineProgram {
  running(): boolean;
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>;
  /** Ends it and waits; programs that it started and that left it live on. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/**
 * A machine within this one: process, mount and network namespaces of its own. Whatever is started, mounted or configured in
 * it (pods, network interfaces, packet filter chains) ends with it, also when the process that started it is killed.
 */
export interface Machine {
  /** Where it keeps its files. */
  readonly folder: string;
  readonly network: MachineNetwork;
  /** Name of the control group beneath which the machine's pods live, in every hierarchy. */
  readonly controlGroup: string;
  /** Starts a program; its output goes to `NAME.log` in the machine's folder. */
  start(name: string, path: string, args: readonly string[]): MachineProgram;
  /** Runs a command to its end and returns what it printed. @throws Error with its standard error when it fails */
  run(path: string, ...args: string[]): string;
  /** Kills every process in it, as when the power is cut. */
  killAll(): void;
  /** Process ids on this host in the control groups beneath one of a name. */
  pidsIn(controlGroup: string): number[];
  stop(): Promise<void>;
}

const controlGroups = '/sys/fs/cgroup';
const groupPrefix = 'tori-node-';

/**
 * What the first process of the machine does, which also reaps what others leave behind. Ends with its standard input, so that no machine outlives its owner. `/var` is
 * an overlay, because kubelet and the network plugins keep state at fixed paths there.
 */
const firstProcess = `
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
mount -t overlay overlay -o "lowerdir=/var,upperdir=$1/var,workdir=$1/var.work" /var
mount --make-rshared /
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo up
until cat >/dev/null; do :; done
`;

/** Starts a machine that keeps its files in `folder`. Needs root. */
export async function startMachine(folder: string): Promise<Machine> {
  for (const name of ['var', 'var.work']) mkdirSync(join(folder, name), { recursive: true });
  const holder = spawn(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', '-c', firstProcess, 'machine', folder],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('exit', (code) => reject(new Error(`the machine did not start: unshare ended with ${code}`)));
  });
  const first = childrenOf(holder.pid!)[0]!;
  const enter = ['--target', String(first), '--mount', '--net', '--pid', '--'];
  const link = connect(first);
  removeStaleControlGroups();
  const controlGroup = `${groupPrefix}${holder.pid}`;
  createControlGroup(controlGroup);
  const run = (path: string, ...args: string[]) =>
    execFileSync('nsenter', [...enter, path, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    });
  return {
    folder,
    network: link,
    controlGroup,
    start(name, path, args) {
      const log = openSync(join(folder, `${name}.log`), 'a');
      const child = spawn('nsenter', [...enter, path, ...args], { stdio: ['ignore', log, log] });
      closeSync(log);
      return program(child);
    },
    run,
    // In a process namespace of one's own, -1 means all but its first process, which starts its reader again.
    killAll: () => run('sh', '-c', 'kill -KILL -1'),
    pidsIn: (name) => processesIn(join(hierarchies()[0]!, controlGroup), name),
    async stop() {
      const ended = once(holder, 'exit');
      holder.stdin.end();
      await ended;
      removeControlGroup(controlGroup);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function program(child: ChildProcess): MachineProgram {
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    running,
    ended,
    async end(signal) {
      if (!running()) return;
      // nsenter has to fork to enter the process namespace and does not pass signals on.
      for (const pid of childrenOf(child.pid!)) process.kill(pid, signal);
      await ended;
    },
  };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** Links the machine's network to this host's by the first pair of addresses that no other machine has. */
function connect(first: number): MachineNetwork {
  for (let number = 0; number < 64; number++) {
    const name = `tori-node${number}`;
    try {
      ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(first));
    } catch (error) {
      if (existsSync(`/sys/class/net/${name}`)) continue;
      throw error;
    }
    const network = {
      interface: name,
      host: `10.243.${number}.1`,
      machine: `10.243.${number}.2`,
      pods: `10.244.${number}.0/24`,
      services: `10.96.${number}.0/24`,
    };
    ip('address', 'add', `${network.host}/30`, 'dev', name);
    ip('link', 'set', name, 'up');
    enterNetwork(first, 'address', 'add', `${network.machine}/30`, 'dev', 'eth0');
    enterNetwork(first, 'link', 'set', 'eth0', 'up');
    enterNetwork(first, 'route', 'add', 'default', 'via', network.host);
    // The address of a pod that is gone answers nothing, as in most pod networks.
    enterNetwork(first, 'route', 'add', 'blackhole', network.pods);
    for (const range of [network.pods, network.services]) ip('route', 'add', range, 'via', network.machine);
    return network;
  }
  throw new Error('64 machines run already');
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function enterNetwork(first: number, ...args: string[]): void {
  execFileSync('nsenter', ['--target', String(first), '--net', '--', 'ip', ...args]);
}

/** Folders of the hierarchies: one with control groups v2, one a controller with v1. */
function hierarchies(): string[] {
  if (existsSync(join(controlGroups, 'cgroup.controllers'))) return [controlGroups];
  return readdirSync(controlGroups)
    .filter((name) => name !== 'unified')
    .map((name) => join(controlGroups, name));
}

function createControlGroup(name: string): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, name);
    if (existsSync(join(hierarchy, 'cgroup.controllers')))
      writeFileSync(join(hierarchy, 'cgroup.subtree_control'), '+cpu +cpuset +memory +pids');
    if (!existsSync(folder)) mkdirSync(folder);
    // By default all pods together have the share of one process of this machine.
    writeIfThere(join(folder, 'cpu.shares'), '10240');
    writeIfThere(join(folder, 'cpu.weight'), '1000');
    // An empty set of processors admits no process.
    if (!hierarchy.endsWith('cpuset')) continue;
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      writeIfThere(join(folder, file), readFileSync(join(hierarchy, file), 'utf8'));
  }
}

function writeIfThere(path: string, value: string): void {
  if (existsSync(path)) writeFileSync(path, value);
}

function processesIn(folder: string, name: string, within = false): number[] {
  const own = within ? readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean) : [];
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => processesIn(join(folder, entry.name), name, within || entry.name === name));
  return [...own.map(Number), ...below];
}

/** Of machines whose owner was killed: all else of theirs is gone by itself. */
function removeStaleControlGroups(): void {
  const names = hierarchies()
    .flatMap((hierarchy) => readdirSync(hierarchy))
    .filter((name) => name.startsWith(groupPrefix) && !existsSync(`/proc/${name.slice(groupPrefix.length)}`));
  for (const name of new Set(names)) removeControlGroup(name);
}

function removeControlGroup(name: string): void {
  // runc also makes groups in the v2 hierarchy that stands beside those of v1.
  for (const hierarchy of [...hierarchies(), join(controlGroups, 'unified')])
    removeFolders(join(hierarchy, name));
}

function removeFolders(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeFolders(join(folder, entry.name));
  rmdirSync(folder);
}
