import {
  metadataOf,
  resourceType,
  type ApiClient,
  type KubeObject,
  type ObjectMeta,
  type ResourceType,
} from '../../operator/runtime/index.js';
import { nameOf, type Arena, type Contender } from './contender.js';
import { inParallel } from './parallel.js';
import { sweep } from './sweep.js';

const namespaces = resourceType('v1', 'Namespace', 'namespaces', 'Cluster');
const options = { fieldManager: 'bench', fieldValidation: 'Ignore' } as const;

/** Fields that the API server has filled in. */
interface Filled extends KubeObject {
  readonly status?: unknown;
  readonly spec?: { readonly clusterIP?: string; readonly clusterIPs?: readonly string[] };
}

interface Copied {
  readonly type: ResourceType;
  /** JSON of the object, with the name of the first resource wherever it stands. */
  readonly text: string;
}

/**
 * What the API server gives on these cores: the children of a contender's first resource, applied once more for every
 * resource by a client that watches and decides nothing. Everything of the contender is deleted before, and the copies after.
 * @returns objects a second
 */
export async function plainApply(contender: Contender, arena: Arena): Promise<number> {
  const { children, namespace: from } = contender;
  const { client, count } = arena;
  const namespace = `${from}-plain`;
  const copied = (
    await Promise.all(children.map((type) => childrenOf(client, type, { from, namespace })))
  ).flat();
  await sweep(contender, from, client);
  await client.apply(namespaces, { metadata: { name: namespace } }, options);
  const total = count * copied.length;
  const begun = performance.now();
  await inParallel(total, (index) => {
    const { type, text } = copied[index % copied.length]!;
    const name = nameOf(Math.floor(index / copied.length));
    const object = JSON.parse(text.replaceAll(nameOf(0), name)) as KubeObject;
    return client.apply(metadataOf(type), object, options);
  });
  const perSecond = total / ((performance.now() - begun) / 1_000);
  await sweep(contender, namespace, client);
  return perSecond;
}

async function childrenOf(
  client: ApiClient,
  type: ResourceType,
  { from, namespace }: { readonly from: string; readonly namespace: string },
): Promise<Copied[]> {
  const { items } = await client.list(type, { namespace: from });
  return items
    .filter(({ metadata }) => metadata.name.startsWith(nameOf(0)))
    .map((object) => ({ type, text: JSON.stringify(unfilled(object)).replaceAll(from, namespace) }));
}

function unfilled({ metadata, ...object }: Filled): object {
  const { name, namespace, labels, annotations } = metadata;
  const kept: ObjectMeta = {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(labels !== undefined && { labels }),
    ...(annotations !== undefined && { annotations }),
  };
  const { clusterIP, clusterIPs, ...spec } = object.spec ?? {};
  const headless = clusterIP === 'None' && { clusterIP, clusterIPs };
  const without = Object.fromEntries(Object.entries(object).filter(([field]) => field !== 'status'));
  return { ...without, metadata: kept, ...(object.spec !== undefined && { spec: { ...spec, ...headless } }) };
}
