import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import { problemText, validateManifest } from '../../operator/api/validate.js';
import { effectiveParameters } from '../../operator/cluster/parameters.js';
import { revisionOf, templateOf } from '../../operator/cluster/revision.js';
import type { Track, TrackWish } from '../../operator/cluster/workloads.js';
import type { RenderOptions } from '../../operator/platform/kubernetes/render/input.js';
import type { RenderedObject } from '../../operator/platform/kubernetes/render/object.js';
import { render } from '../../operator/platform/kubernetes/render/render.js';
import type { Stored } from '../../operator/reconcile/reconcile.js';

/** Options of an operator in the namespace `tori-system` on a server that has every optional kind. */
export const renderOptions: RenderOptions = {
  image: 'registry.example.org/tori-memory',
  redisImage: 'registry.example.org/redis:7.4',
  operatorNamespace: 'tori-system',
  capabilities: { serviceMonitor: true, prometheusRule: true, httpRoute: true, grpcRoute: true },
};

/** A cluster as the API server stores it: with defaults and an identity. */
export function storedCluster(manifest: unknown): Stored<MemoryCluster> {
  const result = validateManifest(manifest);
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  const { metadata, ...rest } = result.resource as MemoryCluster;
  return {
    ...rest,
    metadata: {
      ...metadata,
      namespace: metadata.namespace ?? 'default',
      uid: '00000000-0000-4000-8000-000000000000',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
  };
}

/** What a track of a cluster wants when it runs the spec as it is. */
export function wishOf({ spec }: MemoryCluster, track: Track): TrackWish {
  const template = templateOf(spec);
  const parameters = effectiveParameters({ template, tuned: {} });
  return { track, revision: revisionOf(template), template, parameters };
}

const folder = new URL('../../examples/', import.meta.url);

/** What a manifest is rendered to, with a canary beside stable. */
export function rendered(manifest: unknown): RenderedObject[] {
  const cluster = storedCluster(manifest);
  const tracks = (['stable', 'canary'] as const).map((track) => wishOf(cluster, track));
  return render({ cluster, tracks }, renderOptions);
}

interface Named {
  readonly name: string;
  readonly objects: () => RenderedObject[];
}

/** The MemoryClusters of examples/, by the name of the cluster. */
export const everyExample: readonly Named[] = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) =>
    parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map(
      (document) => document.toJS() as { kind: string; metadata: { name: string } },
    ),
  )
  .filter(({ kind }) => kind === 'MemoryCluster')
  .map((manifest) => ({ name: manifest.metadata.name, objects: () => rendered(manifest) }));

const variant = (name: string, services: object, spec: object = {}): Named => ({
  name,
  objects: () =>
    rendered({
      apiVersion: 'memory.tori.dev/v1alpha1',
      kind: 'MemoryCluster',
      metadata: { name: 'a'.repeat(36) },
      spec: { version: '1', services, ...spec },
    }),
});

/** What the examples do not show. */
export const variants: readonly Named[] = [
  variant('with the longest name', {}),
  variant('with three gateways behind an Ingress', {
    gateway: {
      replicas: 3,
      exposure: { type: 'Ingress', host: 'm.example.org', className: 'nginx', tlsSecret: 'tls' },
    },
  }),
  variant('with a load balancer', { gateway: { service: { type: 'LoadBalancer' } } }),
  variant(
    'whose volumes go with it',
    { vault: { volume: { size: '1Gi', storageClassName: 'fast' } } },
    { storage: { deletionPolicy: 'Delete' }, imagePullPolicy: 'Always' },
  ),
  variant('without policies', {}, { networkPolicies: false }),
  variant(
    'with a Redis of its own',
    { koopman: { env: { DRAIN_TIMEOUT_MS: '60000' } } },
    { bus: { driver: 'redis', redisSecret: { name: 'redis', key: 'url' } } },
  ),
  variant('with pods that spread over racks', {
    gateway: {
      pod: {
        labels: { team: 'memory' },
        annotations: { 'example.org/note': 'kept' },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        topologySpreadConstraints: [
          { topologyKey: 'example.org/rack', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' },
        ],
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 100,
                podAffinityTerm: {
                  topologyKey: 'kubernetes.io/hostname',
                  labelSelector: { matchLabels: { team: 'memory' } },
                },
              },
            ],
          },
        },
      },
    },
  }),
];
