import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createInformer,
  isNotFound,
  keyOf,
  type ApiClient,
  type Informer,
} from '../../../operator/runtime/index.js';
import { packageRoot } from '../../harness/local-cluster.js';
import type { AddressBook } from './address-book.js';
import { environmentOf, portOf } from './environment.js';
import { mount } from './mounts.js';
import { pods, workloadOf, type StandInPod } from './pod.js';

/** What runs in the pods of the stand-in. */
export interface StandInOptions {
  readonly client: ApiClient;
  readonly folder: string;
  readonly book: AddressBook;
  /** `processes` starts the services of this repository; `nothing` only says that pods are ready. */
  readonly run: 'processes' | 'nothing';
}

/** An image with this tag cannot be pulled. */
export const missingTag = 'missing';

interface Running {
  readonly child: ChildProcess | undefined;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Stands in for scheduler, kubelet and container runtime where there is no node: it says of every pod that it runs, and it
 * can run what the pod asks for as a process of this machine, with its environment, mounts and volumes. Everything else
 * around it is real: API server, StatefulSet and Deployment controllers, garbage collection, the services themselves.
 */
export class StandInNode {
  readonly #options: StandInOptions;
  readonly #pods: Informer<StandInPod>;
  readonly #running = new Map<string, Running>();
  /** One life of a workload after the other: the last one must have let go of ports and volumes. */
  readonly #lives = new Map<string, Promise<void>>();
  readonly #ended = new AbortController();
  #following: Promise<void> | undefined;

  constructor(options: StandInOptions) {
    this.#options = options;
    mkdirSync(join(options.folder, 'logs'), { recursive: true });
    this.#pods = createInformer({
      client: options.client,
      type: pods,
      labelSelector: 'memory.tori.dev/cluster',
    });
  }

  /** Follows pods until {@link stop}. */
  start(): void {
    this.#pods.onChange((before, after) => {
      if (before !== undefined && before.metadata.uid !== after?.metadata.uid) this.#end(before);
      if (after !== undefined && after.metadata.deletionTimestamp === undefined) this.#begin(after);
    });
    this.#following = this.#pods.run(this.#ended.signal);
  }

  /** Base URL of a gateway of a cluster that is ready. */
  gateway(namespace: string, cluster: string): string | undefined {
    const pod = this.#pods
      .list()
      .find((one) => workloadOf(one) === `${cluster}-gateway` && one.metadata.namespace === namespace);
    return pod === undefined ? undefined : `http://127.0.0.1:${portOf(pod, this.#options.book, 8_787)}`;
  }

  /** Kills the process of a pod as a crash would; it is started again. */
  kill(namespace: string, workload: string): void {
    for (const pod of this.#pods.list()) {
      if (workloadOf(pod) === workload && pod.metadata.namespace === namespace) {
        this.#running.get(podKey(pod))?.child?.kill('SIGKILL');
      }
    }
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    for (const { stopping } of this.#running.values()) stopping.abort();
    await Promise.allSettled([...this.#lives.values(), this.#following]);
  }

  #begin(pod: StandInPod): void {
    const key = podKey(pod);
    if (this.#running.has(key)) return;
    const stopping = new AbortController();
    const workload = `${pod.metadata.namespace ?? ''}/${workloadOf(pod)}`;
    const exclusive = !workload.endsWith('-gateway');
    const before = exclusive ? this.#lives.get(workload) : undefined;
    const ended = (async () => {
      await before;
      if (!stopping.signal.aborted) await this.#live(pod, stopping.signal);
    })().catch((error: unknown) => {
      process.stderr.write(`stand-in node: ${keyOf(pod)}: ${String(error)}\n`);
    });
    this.#running.set(key, { child: undefined, stopping, ended });
    this.#lives.set(exclusive ? workload : key, ended);
  }

  #end(pod: StandInPod): void {
    this.#running.get(podKey(pod))?.stopping.abort();
    this.#running.delete(podKey(pod));
  }

  async #live(pod: StandInPod, signal: AbortSignal): Promise<void> {
    if (pod.spec.containers[0]?.image.endsWith(`:${missingTag}`) === true) {
      const message = `Back-off pulling image "${pod.spec.containers[0].image}"`;
      await this.#say(pod, {
        ready: false,
        state: { waiting: { reason: 'ImagePullBackOff', message } },
        restartCount: 0,
      });
      return;
    }
    if (this.#options.run === 'nothing') {
      await this.#say(pod, { ready: true, state: { running: {} }, restartCount: 0 });
      return;
    }
    for (let restarts = 0; !signal.aborted; restarts++) {
      const last = await untilItWorks(() => this.#oneProcess(pod, restarts, signal), signal);
      if (isAborted(signal) || last === undefined) return;
      const container = {
        ready: false,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' } },
        lastState: { terminated: last },
        restartCount: restarts + 1,
      };
      await untilItWorks(() => this.#say(pod, container), signal);
      await sleep(Math.min(500 * 2 ** restarts, 5_000), undefined, { signal }).catch(() => undefined);
    }
  }

  async #oneProcess(pod: StandInPod, restartCount: number, signal: AbortSignal) {
    const { client, folder, book } = this.#options;
    const [container] = pod.spec.containers;
    const mounts = await mount(client, pod, folder);
    const env = await environmentOf(client, pod, { mounts, book });
    const logFile = join(folder, 'logs', `${pod.metadata.name}.log`);
    const log = openSync(logFile, 'a');
    const entry = join(packageRoot, container?.command?.[1] ?? '');
    const child = spawn(process.execPath, [entry], {
      env: { ...env, PATH: process.env['PATH'] },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const running = this.#running.get(podKey(pod));
    if (running !== undefined) this.#running.set(podKey(pod), { ...running, child });
    const stop = () => child.kill('SIGTERM');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const watched = new AbortController();
    const watching = this.#watch(pod, { restartCount, env, folder }, watched.signal);
    const [code, killedBy] = await exit;
    watched.abort();
    await watching;
    signal.removeEventListener('abort', stop);
    const message = lastLine(logFile);
    return { exitCode: code ?? 137, reason: killedBy === null ? 'Error' : 'Killed', message };
  }

  /** Tells whether the process is ready, and renews its mounts as a kubelet does. */
  async #watch(
    pod: StandInPod,
    life: { readonly restartCount: number; readonly env: Record<string, string>; readonly folder: string },
    signal: AbortSignal,
  ): Promise<void> {
    let said: boolean | undefined;
    while (!signal.aborted) {
      const ready = await isReady(Number(life.env['METRICS_PORT']));
      if (isAborted(signal)) return;
      if (ready !== said) {
        const container = { ready, state: { running: {} }, restartCount: life.restartCount };
        await untilItWorks(() => this.#say(pod, container), signal);
        said = ready;
      }
      if (workloadOf(pod).endsWith('-gateway')) {
        await mount(this.#options.client, pod, life.folder).catch(() => undefined);
      }
      await sleep(ready ? 500 : 150, undefined, { signal }).catch(() => undefined);
    }
  }

  async #say(
    { metadata, spec }: StandInPod,
    container: {
      readonly ready: boolean;
      readonly state: object;
      readonly restartCount: number;
      readonly lastState?: object;
    },
  ): Promise<void> {
    const { name = '', image = '' } = spec.containers[0] ?? {};
    const at = new Date().toISOString();
    const condition = (type: string, holds: boolean) => ({
      type,
      status: holds ? 'True' : 'False',
      lastTransitionTime: at,
    });
    const status = {
      phase: 'waiting' in container.state && container.restartCount === 0 ? 'Pending' : 'Running',
      podIP: '127.0.0.1',
      podIPs: [{ ip: '127.0.0.1' }],
      conditions: [
        condition('PodScheduled', true),
        condition('Initialized', true),
        condition('ContainersReady', container.ready),
        condition('Ready', container.ready),
      ],
      containerStatuses: [{ name, image, imageID: '', started: true, ...container }],
    };
    try {
      await this.#options.client.patch(pods, metadata, { status }, { type: 'merge', subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Tries again while the API server is away, as a kubelet does; undefined when there was no more time. */
async function untilItWorks<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (isAborted(signal)) return undefined;
      process.stderr.write(`stand-in node: ${String(error)}; it is tried again\n`);
      await sleep(500, undefined, { signal }).catch(() => undefined);
    }
  }
}

function lastLine(file: string): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trim().split('\n').at(-1)?.slice(0, 500) ?? '';
}

function podKey({ metadata: { namespace, name, uid } }: StandInPod): string {
  return `${namespace ?? ''}/${name}/${uid ?? ''}`;
}

/** Asked anew after every wait, which the compiler would take for known. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
