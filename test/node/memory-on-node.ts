import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { createMcp, type Mcp } from '../../lib/mcpClient/index.js';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import { run } from '../kubernetes/helm.js';
import { programs } from '../cluster/binaries.js';
import { startNode, type KubernetesNode } from '../cluster/node/node.js';

/** Repository of the image in the chart's values. */
const repository = 'ghcr.io/tori-memory/tori-memory';

/** Namespace of the operator and of the memory under test. */
export const namespace = 'tori';

/** A node with the chart and the images on it, and a MemoryCluster named `memory`. */
export interface MemoryOnNode {
  readonly node: KubernetesNode;
  /** Runs helm. @throws Error with its standard error unless it exits with 0 */
  helm(...args: string[]): Promise<string>;
  /** Runs kubectl in the memory's namespace. @throws Error with its standard error unless it exits with 0 */
  kubectl(...args: string[]): Promise<string>;
  /** Applies a manifest in that namespace. */
  apply(...manifests: object[]): Promise<void>;
  /** The MemoryCluster as it is stored. */
  memory(): Promise<MemoryResource>;
  /** Waits until something holds. @throws Error with the state of the namespace when it does not in time */
  until(what: string, holds: (memory: MemoryResource) => boolean, minutes?: number): Promise<void>;
  /** Where the gateway is for a client on this machine. */
  target(): Promise<{ readonly endpoints: { readonly mcp: string }; readonly apiKey: string }>;
  /** Works with a client of the gateway. */
  withGateway<T>(work: (mcp: Mcp) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** A MemoryCluster read from the API server. */
export type MemoryResource = MemoryCluster & {
  readonly metadata: { readonly resourceVersion: string };
};

/**
 * Starts a node, loads the image as version 0.1.0, and as 0.1.1 for an upgrade, and the Redis. The chart is left to the caller.
 */
export async function startMemoryOnNode(): Promise<MemoryOnNode> {
  const node = await startNode();
  const [helmPath] = programs('helm');
  const kubectl = (...args: string[]) => node.kubectl('--namespace', namespace, ...args);
  const memory = async () =>
    JSON.parse(await kubectl('get', 'memorycluster', 'memory', '-o', 'json')) as MemoryResource;
  const target = async () => {
    const address = await kubectl('get', 'service', 'memory-gateway', '-o', 'jsonpath={.spec.clusterIP}');
    const key = await kubectl('get', 'secret', 'memory-api-key', '-o', 'jsonpath={.data.api-key}');
    return {
      endpoints: { mcp: `http://${address}:8787/mcp` },
      apiKey: Buffer.from(key, 'base64').toString(),
    };
  };
  try {
    node.load('tori', 'redis');
    for (const version of ['0.1.0', '0.1.1'])
      node.tag('localhost/tori-memory:test', `${repository}:${version}`);
    node.tag('localhost/redis:test', 'docker.io/library/redis:7.4-alpine');
    await node.kubectl('create', 'namespace', namespace);
    const standard = 'pod-security.kubernetes.io/enforce=restricted';
    await node.kubectl('label', 'namespace', namespace, standard);
  } catch (error) {
    await node.stop();
    throw error;
  }
  return {
    node,
    kubectl,
    memory,
    target,
    async helm(...args) {
      const { code, stdout, stderr } = await run(helmPath, [...args, '--namespace', namespace], {
        env: { KUBECONFIG: node.cluster.kubeconfig },
      });
      if (code !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}`);
      return stdout;
    },
    async apply(...manifests) {
      await node.apply(manifests.map((manifest) => stringify(inNamespace(manifest))).join('---\n'));
    },
    async until(what, holds, minutes = 3) {
      const deadline = Date.now() + minutes * 60_000;
      for (;;) {
        const seen = await memory();
        if (holds(seen)) return;
        if (Date.now() > deadline) throw new Error(`not reached: ${what}\n${await stateOf(kubectl)}`);
        await sleep(1000);
      }
    },
    async withGateway(work) {
      const { endpoints, apiKey } = await target();
      const mcp = createMcp({ url: endpoints.mcp, apiKey });
      try {
        return await work(mcp);
      } finally {
        await mcp.close();
      }
    },
    stop: () => node.stop(),
  };
}

function inNamespace(manifest: object): object {
  const { metadata, ...rest } = manifest as { metadata: object };
  return { ...rest, metadata: { ...metadata, namespace } };
}

/** What a person would look at first when a wait has failed. */
async function stateOf(kubectl: (...args: string[]) => Promise<string>): Promise<string> {
  const looks = [
    ['get', 'memoryclusters,statefulsets,deployments,pods', '-o', 'wide'],
    ['get', 'memorycluster', 'memory', '-o', 'yaml'],
    ['get', 'events', '--sort-by=.lastTimestamp'],
    ['logs', '-l', 'app.kubernetes.io/component=operator', '--tail=40', '--prefix'],
  ];
  const seen = await Promise.all(looks.map((look) => kubectl(...look).catch(String)));
  return seen.join('\n');
}

/** Whether the condition of a type is True for the newest spec. */
export function is(memory: MemoryResource, type: string): boolean {
  const condition = memory.status?.conditions.find((each) => each.type === type);
  return condition?.status === 'True' && memory.status?.observedGeneration === memory.metadata.generation;
}
