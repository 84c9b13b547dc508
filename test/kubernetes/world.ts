import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMcp, type Mcp } from '../../lib/mcpClient/index.js';
import type { ActionName, MemoryAction } from '../../operator/api/memory-action.js';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import { statusProblems, transitionProblems, type WithStatus } from '../../operator/api/kstatus.js';
import { apiVersion } from '../../operator/api/resource.js';
import {
  actionType,
  clusterType,
  profileType,
  secretType,
} from '../../operator/platform/kubernetes/kinds.js';
import {
  ApiClient,
  loadConnection,
  type KubeObject,
  type ResourceType,
} from '../../operator/runtime/index.js';
import { readAuditLog } from '../cluster/audit-log.js';
import { installCrds } from '../cluster/cluster.js';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../cluster/control-plane.js';
import { quickCanary } from '../harness/quick-canary.js';
import { startOperator, type OperatorProcess } from './operator.js';
import { AddressBook } from './stand-in/address-book.js';
import { StandInNode, type StandInOptions } from './stand-in/node.js';

/** A request in the audit log. */
export interface AuditEntry {
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly user?: { readonly username?: string };
  readonly stageTimestamp: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly requestObject?: KubeObject;
  readonly responseObject?: KubeObject & WithStatus;
}

/** A control plane with our CRDs, a node that stands in, and operators as processes. */
export class World {
  readonly plane: ControlPlane;
  readonly client: ApiClient;
  readonly node: StandInNode;
  readonly book: AddressBook;
  readonly folder: string;
  readonly #operators = new Set<OperatorProcess>();
  readonly #ports: () => number;

  private constructor(
    parts: Pick<World, 'plane' | 'client' | 'node' | 'book' | 'folder'> & { ports: () => number },
  ) {
    this.plane = parts.plane;
    this.client = parts.client;
    this.node = parts.node;
    this.book = parts.book;
    this.folder = parts.folder;
    this.#ports = parts.ports;
  }

  static async start(run: StandInOptions['run'], more: ControlPlaneOptions = {}): Promise<World> {
    const plane = await startControlPlane({ controllers: true, audit: true, ...more });
    const folder = mkdtempSync(join(tmpdir(), 'tori-world-'));
    await installCrds(plane);
    const client = new ApiClient({
      connection: await loadConnection({ kubeconfig: plane.kubeconfig }),
      userAgent: 'test',
    });
    const ports = portSource();
    const book = new AddressBook(join(folder, 'addresses.json'), ports);
    const node = new StandInNode({ client, folder, book, run });
    node.start();
    return new World({ plane, client, node, book, folder, ports });
  }

  /** Starts an operator; several may run at once. */
  operator(options: { readonly kubeconfig?: string; readonly env?: Readonly<Record<string, string>> } = {}) {
    const operator = startOperator({
      kubeconfig: options.kubeconfig ?? this.plane.kubeconfig,
      addressBook: this.book.file,
      folder: this.folder,
      metricsPort: this.#ports(),
      ...(options.env !== undefined && { env: options.env }),
    });
    this.#operators.add(operator);
    return operator;
  }

  /** Applies a manifest as a GitOps tool would. */
  async apply<T extends KubeObject>(type: ResourceType<T>, manifest: T): Promise<T> {
    const { kind, metadata } = manifest;
    if (kind === clusterType.kind) this.book.cluster(metadata.namespace ?? 'default', metadata.name);
    return this.client.apply(type, manifest, { fieldManager: 'person' });
  }

  /** Makes a MemoryAction. */
  async act(name: string, action: ActionName, cluster: string, proposal?: string): Promise<void> {
    const manifest: MemoryAction = {
      apiVersion,
      kind: 'MemoryAction',
      metadata: { name, namespace: 'default' },
      spec: {
        action,
        target: { kind: 'MemoryCluster', name: cluster },
        ...(proposal !== undefined && { proposal }),
        requestedBy: 'tester',
        reason: 'test',
      },
    };
    await this.client.create(actionType, manifest);
  }

  cluster(name: string): Promise<MemoryCluster> {
    return this.client.get(clusterType, { namespace: 'default', name });
  }

  /** Waits until what is read is as wanted. @throws Error with the last reading after `seconds` */
  async until<T>(
    what: string,
    read: () => Promise<T>,
    holds: (value: T) => boolean,
    seconds = 120,
  ): Promise<T> {
    let last: unknown;
    const end = Date.now() + seconds * 1_000;
    while (Date.now() < end) {
      try {
        const value = await read();
        if (holds(value)) return value;
        last = value;
      } catch (error) {
        last = String(error);
      }
      await sleep(150);
    }
    throw new Error(
      `not reached in ${seconds} s: ${what}; last seen: ${JSON.stringify(last, undefined, 1).slice(0, 4_000)}`,
    );
  }

  /** Waits until a condition of a cluster is as wanted. */
  async condition(
    name: string,
    type: string,
    status: 'True' | 'False',
    seconds = 120,
  ): Promise<MemoryCluster> {
    return this.until(
      `${type}=${status} of ${name}`,
      () => this.cluster(name),
      (cluster) => cluster.status?.conditions.find((one) => one.type === type)?.status === status,
      seconds,
    );
  }

  /** Where a cluster's gateway is, and the key that it takes. */
  async gateway(name: string): Promise<{ readonly url: string; readonly apiKey: string }> {
    const ref = { namespace: 'default', name: `${name}-api-key` };
    const { data = {} } = await this.client.get(secretType, ref);
    const apiKey = Buffer.from(data['api-key'] ?? '', 'base64').toString('utf8');
    return { url: `${this.node.gateway('default', name) ?? ''}/mcp`, apiKey };
  }

  /** A client of a cluster's gateway. */
  async mcp(name: string): Promise<Mcp> {
    return createMcp(await this.gateway(name));
  }

  /** Requests so far, oldest first. */
  audit(): AuditEntry[] {
    return readAuditLog(this.plane.auditLog) as AuditEntry[];
  }

  /** Writes of operators since an instant, but for the lease. */
  writesSince(instant: Date): AuditEntry[] {
    return this.audit().filter(
      ({ verb, stageTimestamp, objectRef, userAgent = '' }) =>
        userAgent.startsWith('tori-operator') &&
        !['get', 'list', 'watch'].includes(verb) &&
        objectRef?.resource !== 'leases' &&
        Date.parse(stageTimestamp) >= instant.getTime(),
    );
  }

  /** What of the statuses that were ever written tools would misread, alone and from one to the next. */
  statusFaults(): string[] {
    const last = new Map<string, WithStatus>();
    return this.audit()
      .filter(isStatusWrite)
      .flatMap(({ objectRef, responseObject }) => {
        const name = `${objectRef?.resource ?? ''}/${objectRef?.name ?? ''}`;
        if (responseObject === undefined) return [];
        const key = responseObject.metadata.uid ?? name;
        const before = last.get(key);
        last.set(key, responseObject);
        const faults = statusProblems(responseObject);
        const between = before === undefined ? [] : transitionProblems(before, responseObject);
        return [...faults, ...between].map((problem) => `${name}: ${problem}`);
      });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#operators].map((operator) => operator.kill()));
    await this.node.stop();
    await this.client.close();
    await this.plane.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isStatusWrite({ verb, objectRef = {}, responseStatus }: AuditEntry): boolean {
  const ours: readonly string[] = [clusterType, profileType, actionType].map(({ plural }) => plural);
  const { resource = '', subresource } = objectRef;
  return (
    verb === 'update' && subresource === 'status' && responseStatus?.code === 200 && ours.includes(resource)
  );
}

/** Ports above those that systems hand out, from a start by chance. */
function portSource(): () => number {
  let next = 10_000 + Math.floor(Math.random() * 20_000);
  return () => {
    next += 1;
    return next;
  };
}

/** A MemoryCluster whose canary takes seconds. */
export function quickCluster(name: string, spec: object = {}): MemoryCluster {
  return {
    apiVersion: clusterType.apiVersion,
    kind: 'MemoryCluster',
    metadata: { name, namespace: 'default' },
    spec: {
      version: '0.1.0',
      ...quickCanary,
      rollout: { ...quickCanary.rollout, progressDeadline: '10m' },
      ...spec,
    },
  } as unknown as MemoryCluster;
}
