import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MemoryAction } from '../../operator/api/memory-action.js';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import { apiVersion } from '../../operator/api/resource.js';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';
import {
  actionType,
  clusterType,
  configMapType,
  podType,
  profileType,
  volumeClaimType,
} from '../../operator/platform/kubernetes/kinds.js';
import { labels, shardsKey, shardsName } from '../../operator/platform/kubernetes/render/names.js';
import { keptActions } from '../../operator/reconcile/action-status.js';
import { manifestsOf, must, template } from './helm.js';
import type { OperatorProcess } from './operator.js';
import { refusalsIn, trafficOf, without, type Right, type Role, type Traffic } from './rights.js';
import { quickCluster, World } from './world.js';

const namespace = 'default';
const account = 'tori-tori-memory';
const user = `system:serviceaccount:${namespace}:${account}`;
const dayMs = 86_400_000;
/** Checked by the API server in an admission plugin, and so in no request of its own. */
export const finalizers: Right = 'update memory.tori.dev/memoryclusters/finalizers';
/** How long one part of a lap may take when nothing is refused. */
const partSeconds = 180;

/** Kinds of add-ons, in as much as an API server has to serve them. */
const addOns: readonly (readonly [group: string, kind: string, plural: string])[] = [
  ['monitoring.coreos.com', 'ServiceMonitor', 'servicemonitors'],
  ['monitoring.coreos.com', 'PrometheusRule', 'prometheusrules'],
  ['gateway.networking.k8s.io', 'HTTPRoute', 'httproutes'],
  ['gateway.networking.k8s.io', 'GRPCRoute', 'grpcroutes'],
];

/** Everything that can be asked for at once. */
const everything = {
  tuningProfileRef: { name: 'profile' },
  bus: { driver: 'redis' },
  services: {
    vault: { volume: { size: '1Gi', storageClassName: 'grows' } },
    gateway: {
      autoscaling: { minReplicas: 2, maxReplicas: 3 },
      exposure: {
        type: 'Route',
        host: 'm.example.org',
        grpcHost: 'g.example.org',
        gateway: { name: 'front' },
      },
    },
  },
};

/**
 * An operator under its own account, with the chart's roles, and laps in which it does everything that it ever does but
 * promote: a cluster with every add-on is made, shrunk, exposed in other ways, given a canary that is aborted twice; volumes
 * grow, old actions go.
 */
export class RightsLab {
  readonly #world: World;
  readonly #role: Role;
  readonly #kubeconfig: string;
  readonly #gateways = new Map<string, Server>();
  #operator: OperatorProcess | undefined;
  /** Logs of the operators of this lap. */
  readonly #logs: string[] = [];
  #laps = 0;
  /** Size of the audit log when this lap began. */
  #lapStart = 0;

  private constructor(world: World, role: Role, kubeconfig: string) {
    this.#world = world;
    this.#role = role;
    this.#kubeconfig = kubeconfig;
  }

  static async start(): Promise<RightsLab> {
    const world = await World.start('nothing', {
      apiServerFlags: ['--enable-admission-plugins=OwnerReferencesPermissionEnforcement'],
    });
    const rendered = await template(
      `--namespace=${namespace}`,
      '--show-only=templates/rbac/operator.yaml',
      '--show-only=templates/serviceaccount.yaml',
    );
    const crds = addOns.map((one) => JSON.stringify(crdOf(...one))).join('\n---\n');
    for (const input of [rendered, crds, JSON.stringify(storageClass)]) {
      await must(world.plane.kubectl(['apply', '--server-side', '--filename=-'], input));
    }
    await must(world.plane.kubectl(['wait', 'crd', '--all', '--for=condition=Established', '--timeout=60s']));
    const token = await must(world.plane.kubectl(['create', 'token', account, `--namespace=${namespace}`]));
    const role = manifestsOf(rendered).find(
      ({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-operator'),
    ) as Role;
    return new RightsLab(world, role, world.plane.kubeconfigOf('operator', token.trim()));
  }

  /** The role of the operator in the namespace that it watches. */
  get role(): Role {
    return this.#role;
  }

  /** A lap with every right. @throws Error when a part of it does not come to its end */
  async lap(): Promise<Traffic> {
    const from = this.#logSize();
    await this.#run(() => false);
    return this.#traffic(from);
  }

  /** A lap without one right, until the operator is refused for want of it. @returns whether it was */
  async lapWithout(right: Right): Promise<boolean> {
    await this.#grant(without(this.#role, right));
    this.#logs.length = 0;
    const missed = () =>
      this.#traffic(this.#lapStart).denied.has(right) ||
      this.#logs.some((log) => refusalsIn(readFileSync(log, 'utf8')).has(right));
    await this.#run(missed).catch((error: unknown) => {
      // A lap that cannot go on for want of the right is what is looked for.
      if (!missed()) throw error;
    });
    await this.#grant(this.#role);
    return missed();
  }

  async stop(): Promise<void> {
    for (const gateway of this.#gateways.values()) gateway.close();
    await this.#world.stop();
  }

  #logSize(): number {
    return statSync(this.#world.plane.auditLog).size;
  }

  #traffic(from: number): Traffic {
    return trafficOf(this.#world.plane.auditLog, user, from);
  }

  async #grant(role: Role): Promise<void> {
    const apply = ['apply', '--server-side', '--force-conflicts', '--filename=-'];
    await must(this.#world.plane.kubectl(apply, JSON.stringify(role)));
  }

  /** @param enough ends the lap before its time */
  async #run(enough: () => boolean): Promise<void> {
    const name = `lap-${++this.#laps}`;
    this.#lapStart = this.#logSize();
    const parts = [
      () => this.#restart(),
      () => this.#make(name, enough),
      // One that finds a cluster reads what it would make otherwise.
      () => this.#restart(),
      () => this.#forgetOldActions(name, enough),
      () => this.#change(name, enough),
      () => this.#abortTwice(name, enough),
    ];
    try {
      for (const part of parts) {
        await part();
        if (enough()) return;
      }
      // What is told again is counted, and counts are written at the end.
      await this.#operator?.stop();
    } finally {
      const all = ['delete', 'mc,tp,ma', '--all', `--namespace=${namespace}`, '--timeout=30s'];
      await this.#world.plane.kubectl(all);
      await this.#world.plane.kubectl([
        'delete',
        'pvc,pv',
        '--all',
        `--namespace=${namespace}`,
        '--wait=false',
      ]);
    }
  }

  /** The operator that takes over lists everything anew. */
  async #restart(): Promise<void> {
    await this.#operator?.stop();
    this.#operator = this.#world.operator({
      kubeconfig: this.#kubeconfig,
      env: { WATCH_NAMESPACE: namespace, POD_NAMESPACE: namespace, LEASE_NAME: `${account}-operator` },
    });
    this.#logs.push(this.#operator.logFile);
  }

  async #make(name: string, enough: () => boolean): Promise<void> {
    const profile = {
      apiVersion: profileType.apiVersion,
      kind: 'TuningProfile',
      metadata: { name: 'profile', namespace },
      spec: {},
    };
    await this.#world.apply(profileType, profile as unknown as TuningProfile);
    await must(
      this.#world.plane.kubectl(['apply', '--filename=-'], JSON.stringify(volumeOf(`data-${name}-vault-0`))),
    );
    await this.#world.apply(clusterType, this.#cluster(name, everything));
    await this.#ready(name, enough);
    await this.#reach('the profile is in use', enough, async () => {
      const { status } = await this.#world.client.get(profileType, { namespace, name: 'profile' });
      return status?.conditions.some(({ reason }) => reason === 'InUse') === true;
    });
  }

  /** More answered actions than are kept, and old. One names a cluster that is not there. */
  async #forgetOldActions(name: string, enough: () => boolean): Promise<void> {
    const client = this.#world.client;
    const handledAt = new Date(Date.now() - 2 * dayMs).toISOString();
    const names = Array.from({ length: keptActions + 2 }, (_, k) => `${name}-old-${k}`);
    for (const one of names) {
      await client.create(actionType, actionOf(one, 'resume', name));
      await client.patch(
        actionType,
        { namespace, name: one },
        { status: { observedGeneration: 1, outcome: 'Refused', message: 'old', handledAt, conditions: [] } },
        { type: 'merge', subresource: 'status' },
      );
    }
    await this.#reach('old actions are gone', enough, async () => {
      const { items } = await client.list(actionType, { namespace });
      return items.filter(({ metadata }) => metadata.name.startsWith(`${name}-old-`)).length <= keptActions;
    });
  }

  /** The shard table is put back, every add-on goes again, the way in changes twice, the volume grows. */
  async #change(name: string, enough: () => boolean): Promise<void> {
    const spoilt = JSON.stringify({ data: { [shardsKey]: '{}' } });
    const patch = ['patch', 'configmap', shardsName(name), '--type=merge', `--patch=${spoilt}`];
    await must(this.#world.plane.kubectl(patch));
    await this.#reach('the shard table is put back', enough, async () =>
      Number.isInteger(await this.#publishedEpoch(name)),
    );
    const gateway = (exposure: object) => ({
      services: { vault: { volume: { size: '2Gi', storageClassName: 'grows' } }, gateway: { exposure } },
    });
    await this.#world.apply(
      clusterType,
      this.#cluster(name, { ...gateway({ type: 'Ingress', host: 'm.example.org' }), monitoring: quick }),
    );
    await this.#gone(name, enough, [...addOns.map(([, , plural]) => plural), 'hpa']);
    await this.#world.apply(clusterType, this.#cluster(name, { ...gateway({}), monitoring: quick }));
    await this.#gone(name, enough, ['ingress', 'pdb']);
    await this.#reach('the volume is asked to grow', enough, async () => {
      const { items } = await this.#world.client.list(volumeClaimType, { namespace });
      return items.length > 0 && this.#traffic(this.#lapStart).used.has('patch /persistentvolumeclaims');
    });
  }

  /** A canary that never had a key goes without a drain; when it is tried again the same things are told again. */
  async #abortTwice(name: string, enough: () => boolean): Promise<void> {
    const changed = this.#cluster(name, {
      monitoring: quick,
      services: { vault: { env: { LOG_LEVEL: 'warn' }, volume: { size: '2Gi', storageClassName: 'grows' } } },
    });
    await this.#world.apply(clusterType, changed);
    for (const attempt of [1, 2]) {
      await this.#state(name, 'Starting', enough);
      await this.#reach('the canary has volumes', enough, async () => {
        const labelSelector = `${labels.cluster}=${name},${labels.track}=canary`;
        const { items } = await this.#world.client.list(volumeClaimType, { namespace, labelSelector });
        return items.length === 3;
      });
      await this.#answerAsGateways(name);
      await this.#world.client.create(actionType, actionOf(`${name}-abort-${attempt}`, 'abort', name));
      await this.#state(name, 'Stable', enough);
      if (attempt === 1) {
        await this.#world.client.create(actionType, actionOf(`${name}-retry`, 'retry', name));
      }
    }
  }

  /** No gateway runs: this says in the place of each that it serves the shard table that is published. */
  async #answerAsGateways(name: string): Promise<void> {
    const labelSelector = `${labels.cluster}=${name},${labels.service}=gateway`;
    const { items } = await this.#world.client.list(podType, { namespace, labelSelector });
    for (const { metadata } of items) {
      if (this.#gateways.has(metadata.name)) continue;
      const gateway = createServer((_, response) => {
        void this.#publishedEpoch(name).then(
          (epoch) => response.end(JSON.stringify({ ready: true, epoch })),
          () => response.writeHead(503).end(),
        );
      });
      gateway.listen(this.#world.book.port(namespace, metadata.name, 8_787), '127.0.0.1');
      await once(gateway, 'listening');
      this.#gateways.set(metadata.name, gateway);
    }
  }

  async #publishedEpoch(name: string): Promise<number> {
    const map = await this.#world.client.get(configMapType, { namespace, name: shardsName(name) });
    return (JSON.parse(map.data?.[shardsKey] ?? '{}') as { epoch: number }).epoch;
  }

  #cluster(name: string, spec: object): MemoryCluster {
    const monitoring = { ...quick, serviceMonitor: true, prometheusRule: true };
    return quickCluster(name, { monitoring, ...spec });
  }

  #ready(name: string, enough: () => boolean): Promise<void> {
    return this.#reach(`${name} is Ready`, enough, async () => {
      const { status } = await this.#world.cluster(name);
      return status?.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
    });
  }

  #state(name: string, state: string, enough: () => boolean): Promise<void> {
    return this.#reach(`${name} is ${state}`, enough, async () => {
      const { status } = await this.#world.cluster(name);
      return status?.rollout?.state === state;
    });
  }

  #gone(name: string, enough: () => boolean, kinds: readonly string[]): Promise<void> {
    return this.#reach(`${kinds.join(', ')} are gone`, enough, async () => {
      const selector = `--selector=${labels.cluster}=${name}`;
      const left = await must(this.#world.plane.kubectl(['get', kinds.join(','), selector, '--output=name']));
      return left.trim() === '';
    });
  }

  async #reach(what: string, enough: () => boolean, holds: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + partSeconds * 1_000;
    while (!enough() && !(await holds())) {
      if (Date.now() > end) throw new Error(`not reached within ${partSeconds} s: ${what}`);
      await sleep(300);
    }
  }
}

const quick = { interval: '1s', staleAfter: '10s' };

function actionOf(name: string, action: MemoryAction['spec']['action'], cluster: string): MemoryAction {
  return {
    apiVersion,
    kind: 'MemoryAction',
    metadata: { name, namespace },
    spec: {
      action,
      target: { kind: 'MemoryCluster', name: cluster },
      reason: 'a lap',
      requestedBy: 'tester',
    },
  };
}

/** Only a claim that is bound, and whose class lets it, can grow. */
const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'grows' },
  provisioner: 'test/none',
  allowVolumeExpansion: true,
};

function volumeOf(claim: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: claim },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: storageClass.metadata.name,
      claimRef: { namespace, name: claim },
      hostPath: { path: '/nowhere' },
    },
  };
}

function crdOf(group: string, kind: string, plural: string): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // The group of Gateway API belongs to the Kubernetes project.
      annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in of a test' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
