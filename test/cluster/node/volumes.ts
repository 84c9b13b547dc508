import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { ControlPlane } from '../control-plane.js';
import { nodeName } from './configuration.js';

/** The default StorageClass of the node. */
export const storageClass = 'node-folder';

const provisioner = 'test.tori.dev/node-folder';

const claims = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        uid: z.string(),
        resourceVersion: z.string(),
      }),
      spec: z.object({
        storageClassName: z.string().optional(),
        volumeName: z.string().optional(),
        accessModes: z.array(z.string()),
        resources: z.object({ requests: z.object({ storage: z.string() }) }),
      }),
    }),
  ),
});

const volumes = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ storageClassName: z.string().optional(), persistentVolumeReclaimPolicy: z.string() }),
      status: z.object({ phase: z.string() }).optional(),
    }),
  ),
});

/**
 * Gives each claim of the default class a folder of the node, and deletes the folder with a released volume, as a provisioner of
 * a cloud would. Returns what stops it.
 */
export async function startProvisioner(cluster: ControlPlane, folder: string): Promise<() => Promise<void>> {
  mkdirSync(folder);
  await apply(cluster, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: {
      name: storageClass,
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
    provisioner,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  });
  const stopped = new AbortController();
  const work = (async () => {
    while (!stopped.signal.aborted) {
      await provision(cluster, folder);
      await reclaim(cluster, folder);
      await sleep(1000, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    stopped.abort();
    await work;
  };
}

async function provision(cluster: ControlPlane, folder: string): Promise<void> {
  const found = await cluster.kubectl(['get', 'pvc', '--all-namespaces', '-o', 'json']);
  if (found.code !== 0) return;
  for (const { metadata, spec } of claims.parse(JSON.parse(found.stdout)).items) {
    if (spec.storageClassName !== storageClass || spec.volumeName !== undefined) continue;
    const name = `pvc-${metadata.uid}`;
    const path = join(folder, name);
    mkdirSync(path, { recursive: true, mode: 0o777 });
    await apply(cluster, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        storageClassName: storageClass,
        accessModes: spec.accessModes,
        capacity: { storage: spec.resources.requests.storage },
        persistentVolumeReclaimPolicy: 'Delete',
        claimRef: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          name: metadata.name,
          namespace: metadata.namespace,
          uid: metadata.uid,
        },
        // Unlike a hostPath, a local volume is given to the pod's group (fsGroup) as a disk is.
        local: { path },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] }] },
            ],
          },
        },
      },
    });
  }
}

async function reclaim(cluster: ControlPlane, folder: string): Promise<void> {
  const found = await cluster.kubectl(['get', 'pv', '-o', 'json']);
  if (found.code !== 0) return;
  for (const { metadata, spec, status } of volumes.parse(JSON.parse(found.stdout)).items) {
    if (spec.storageClassName !== storageClass || spec.persistentVolumeReclaimPolicy !== 'Delete') continue;
    if (status?.phase !== 'Released' && status?.phase !== 'Failed') continue;
    rmSync(join(folder, metadata.name), { recursive: true, force: true });
    await cluster.kubectl(['delete', 'pv', metadata.name, '--wait=false']);
  }
}

async function apply(cluster: ControlPlane, object: object): Promise<void> {
  const { code, stderr } = await cluster.kubectl(['apply', '--server-side', '-f', '-'], stringify(object));
  if (code !== 0) throw new Error(stderr);
}
