import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient } from '../../../operator/runtime/index.js';
import { configMapType, secretType, volumeClaimType } from '../../../operator/platform/kubernetes/kinds.js';
import type { StandInPod } from './pod.js';

/** Folders of this machine in the place of mounts, by mount path. */
export type Mounts = ReadonlyMap<string, string>;

/** Makes the folders of a pod and fills them; called again, it renews what is mounted from ConfigMaps. */
export async function mount(client: ApiClient, pod: StandInPod, root: string): Promise<Mounts> {
  const mounts = new Map<string, string>();
  const [container] = pod.spec.containers;
  for (const { name, mountPath } of container?.volumeMounts ?? []) {
    const volume = pod.spec.volumes?.find((one) => one.name === name);
    const claim = volume?.persistentVolumeClaim?.claimName;
    const folder =
      claim === undefined
        ? join(root, 'pods', pod.metadata.uid ?? pod.metadata.name, name)
        : join(root, 'claims', pod.metadata.namespace ?? '', await claimUid(client, pod, claim));
    mkdirSync(folder, { recursive: true });
    mounts.set(mountPath, folder);
    await fill(client, pod, volume, folder);
  }
  return mounts;
}

/** A claim that was deleted and made again is another volume. */
async function claimUid(client: ApiClient, pod: StandInPod, claim: string): Promise<string> {
  const ref = { name: claim, namespace: pod.metadata.namespace ?? '' };
  const { metadata } = await client.get(volumeClaimType, ref);
  return metadata.uid ?? claim;
}

type Volume = NonNullable<StandInPod['spec']['volumes']>[number];

async function fill(
  client: ApiClient,
  pod: StandInPod,
  volume: Volume | undefined,
  folder: string,
): Promise<void> {
  const { secret, configMap } = volume ?? {};
  const contents = await contentsOf(client, pod.metadata.namespace ?? '', volume);
  for (const { key, path } of secret?.items ?? configMap?.items ?? []) {
    const content = contents[key];
    if (content !== undefined) replace(join(folder, path), content);
  }
}

async function contentsOf(
  client: ApiClient,
  namespace: string,
  { secret, configMap }: Partial<Volume> = {},
): Promise<Readonly<Record<string, Buffer>>> {
  const decoded = (data: Readonly<Record<string, string>> = {}, encoding: BufferEncoding) =>
    Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, encoding)]));
  if (secret !== undefined) {
    const { data } = await client.get(secretType, { name: secret.secretName, namespace });
    return decoded(data, 'base64');
  }
  if (configMap === undefined) return {};
  const found = await client.find(configMapType, { name: configMap.name, namespace });
  if (found === undefined && configMap.optional !== true) throw new Error(`no ConfigMap ${configMap.name}`);
  return decoded(found?.data, 'utf8');
}

function replace(path: string, content: Buffer): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
