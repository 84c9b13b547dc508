import {
  byOwner,
  Controller,
  createInformer,
  EventRecorder,
  keyOf,
  resourceType,
  runAsLeader,
  type ApiClient,
  type ControllerOptions,
  type KubeObject,
  type LeaderOptions,
  type ReconcileResult,
  type ReflectorTiming,
} from '../index.js';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const configMaps = resourceType<ConfigMap>('v1', 'ConfigMap', 'configmaps');

/** Keeps a copy `<name>-mirror` of every ConfigMap with the label `mirror: source`. */
export async function runMirror(options: MirrorOptions): Promise<void> {
  const { client, controller: settings, election } = options;
  const { signal } = election;
  const followed = { client, type: configMaps, transform: withoutManagers, timing: options.reflector ?? {} };
  const sources = createInformer({ ...followed, labelSelector: 'mirror=source' });
  const copies = createInformer({
    ...followed,
    labelSelector: 'mirror=copy',
    indexes: { owner: byOwner<ConfigMap>('ConfigMap') },
  });
  const recorder = new EventRecorder({
    client,
    reasons: { Mirrored: { type: 'Normal', action: 'Mirror' } },
    controller: 'example.com/mirror',
    instance: election.identity,
  });

  const controller = new Controller({
    ...settings,
    name: 'mirror',
    async reconcile(key, signal): Promise<ReconcileResult | undefined> {
      // Observe: caches only, so that rest costs no requests.
      const source = sources.get(key);
      const present = copies.by('owner', key);
      // Decide, then apply.
      if (source === undefined) {
        for (const { metadata } of present) {
          await client.delete(configMaps, metadata, { ...(metadata.uid && { uid: metadata.uid }), signal });
        }
        return;
      }
      const wanted = copyOf(source);
      if (present.some((copy) => isSame(copy, wanted))) return;
      await client.apply(configMaps, wanted, { fieldManager: 'mirror', signal });
      // Report.
      recorder.record(source, 'Mirrored', `copied to ${wanted.metadata.name}`);
      return;
    },
  });
  sources.onChange((before, after) => controller.add(keyOf((after ?? before)!)));
  copies.onChange((before, after) => {
    for (const { name } of (after ?? before)!.metadata.ownerReferences ?? []) {
      controller.add(`${(after ?? before)!.metadata.namespace}/${name}`);
    }
  });

  const following = Promise.all([sources.run(signal), copies.run(signal)]);
  await Promise.all([sources.whenSynced(signal), copies.whenSynced(signal)]);
  const end = await runAsLeader(election, (leading) => controller.run(leading));
  // Another leads now; the process begins anew and stands by.
  if (end === 'lost') throw new Error('the lease was lost');
  await following;
  await recorder.close();
}

/** What {@link runMirror} is given. */
export interface MirrorOptions {
  readonly client: ApiClient;
  readonly reflector?: Partial<ReflectorTiming>;
  readonly controller: Pick<ControllerOptions, 'logger' | 'metrics' | 'workers' | 'backoff'>;
  readonly election: LeaderOptions;
}

function copyOf({ metadata: { name, namespace, uid }, data }: ConfigMap): ConfigMap {
  return {
    metadata: {
      name: `${name}-mirror`,
      ...(namespace && { namespace }),
      labels: { mirror: 'copy' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid: uid ?? '', controller: true }],
    },
    ...(data && { data }),
  };
}

function isSame(copy: ConfigMap, wanted: ConfigMap): boolean {
  return (
    copy.metadata.name === wanted.metadata.name &&
    copy.metadata.ownerReferences?.[0]?.uid === wanted.metadata.ownerReferences?.[0]?.uid &&
    JSON.stringify(copy.data) === JSON.stringify(wanted.data)
  );
}

/** Nobody here reads who set which field, and it is the larger half of most objects. */
function withoutManagers(object: ConfigMap): ConfigMap {
  const { managedFields, ...metadata } = object.metadata;
  return managedFields === undefined ? object : { ...object, metadata };
}
