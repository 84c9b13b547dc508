import { createHash } from 'node:crypto';
import type { Track, TrackWish } from '../../cluster/workloads.js';
import type { Plan } from '../../reconcile/reconcile.js';
import { keyOf, type KubeObject } from '../../runtime/index.js';
import type { Caches } from './caches.js';
import { kindKey, statefulSetType } from './kinds.js';
import { appliedAnnotation, labels } from './render/names.js';
import { render, wantedClaims } from './render/render.js';
import type { RenderInput, RenderOptions, WantedClaim } from './render/input.js';
import type { Shared } from './shared.js';
import type { Workload } from './trim.js';
import type { WantedHead, WantedObject } from './wanted-object.js';

/** What a plan wants to exist. */
export interface Wanted {
  readonly objects: readonly WantedObject[];
  /** Claims of StatefulSets that exist, where the size in their template is not that of the spec. */
  readonly claims: readonly WantedClaim[];
}

/** The last rendering, as little of it as tells whether the next one is needed. There is one for every cluster at rest. */
interface Known {
  readonly key: string;
  /** JSON of the heads: a tenth of what they take as objects. */
  readonly heads: string;
  readonly claims: readonly WantedClaim[];
}

/**
 * Every child that the plans of one cluster want, whether or not this API server serves its kind. Rendering is most of the
 * work of a pass, and whole objects are most of the memory: both are spent only while something of the plan has changed
 * or is not there.
 */
export class WantedObjects {
  readonly #shared: Pick<Shared, 'caches' | 'images' | 'operatorNamespace'>;
  #known: Known | undefined;

  constructor(shared: Pick<Shared, 'caches' | 'images' | 'operatorNamespace'>) {
    this.#shared = shared;
  }

  of(plan: Plan): Wanted {
    const wish = { cluster: plan.cluster, tracks: tracksOf(plan) };
    const wanted = wantedClaims(wish, this.#options());
    const input: RenderInput = { ...wish, claimTemplateSizes: otherSizes(this.#shared.caches, plan, wanted) };
    let rendered: ReadonlyMap<string, KubeObject> | undefined;
    const whole = () => (rendered ??= this.#render(input));
    const key = keyFor(input);
    if (this.#known?.key !== key) {
      this.#known = { key, heads: JSON.stringify(headsOf(whole())), claims: claimsOfOthers(wanted, input) };
    }
    const { claims } = this.#known;
    const heads = JSON.parse(this.#known.heads) as readonly WantedHead[];
    return {
      claims,
      objects: heads.map((head) => ({ ...head, whole: () => whole().get(objectKey(head)) ?? head })),
    };
  }

  #render(input: RenderInput): ReadonlyMap<string, KubeObject> {
    const objects = render(input, this.#options()) as unknown as readonly KubeObject[];
    return new Map(objects.map((object) => [objectKey(object), object]));
  }

  #options(): RenderOptions {
    const { images, operatorNamespace } = this.#shared;
    return {
      image: images.release,
      redisImage: images.redis,
      operatorNamespace,
      capabilities: { serviceMonitor: true, prometheusRule: true, httpRoute: true, grpcRoute: true },
    };
  }
}

/** What rendering depends on: of a cluster, its generation stands for its spec. */
function keyFor({ cluster: { metadata }, tracks, claimTemplateSizes }: RenderInput): string {
  const input = JSON.stringify([metadata.uid, metadata.generation, tracks, claimTemplateSizes]);
  return createHash('sha256').update(input).digest('base64url');
}

function headsOf(objects: ReadonlyMap<string, KubeObject>): WantedHead[] {
  return [...objects.values()].map((object) => {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace, annotations, labels: all } = metadata;
    const applied = annotations?.[appliedAnnotation];
    const track = all?.[labels.track];
    const replicas = (object as WantedHead).spec?.replicas;
    return {
      ...(apiVersion !== undefined && { apiVersion }),
      ...(kind !== undefined && { kind }),
      metadata: {
        name,
        ...(namespace !== undefined && { namespace }),
        ...(applied !== undefined && { annotations: { [appliedAnnotation]: applied } }),
        ...(track !== undefined && { labels: { [labels.track]: track } }),
      },
      ...(replicas !== undefined && { spec: { replicas } }),
    };
  });
}

function objectKey(object: KubeObject): string {
  return `${kindKey(object)} ${keyOf(object)}`;
}

function tracksOf({ intents, rollout, parametersOf }: Plan): TrackWish[] {
  return intents.flatMap((intent) => {
    if (intent.type !== 'runTrack') return [];
    const kept = rollout.revisions.find(({ revision }) => revision === intent.template);
    if (kept === undefined) return [];
    const track: Track = intent.track;
    return [{ track, revision: intent.revision, template: kept.template, parameters: parametersOf(intent) }];
  });
}

/**
 * Sizes in the claim templates of the StatefulSets that exist, where they are not what the spec wants. Those that are must not
 * be told: every StatefulSet that comes would make another rendering.
 */
function otherSizes(
  caches: Caches,
  { cluster }: Plan,
  wanted: readonly WantedClaim[],
): Readonly<Record<string, string>> {
  const sets = (caches.children.get(kindKey(statefulSetType))?.by('cluster', keyOf(cluster)) ??
    []) as readonly Workload[];
  const inSpec = new Map(wanted.map(({ name, size }) => [setOf(name), size]));
  return Object.fromEntries(
    sets.flatMap(({ metadata, spec }) => {
      const size = spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage;
      return size === undefined || size === inSpec.get(metadata.name) ? [] : [[metadata.name, size]];
    }),
  );
}

/** Claims of StatefulSets whose template has another size. A StatefulSet that does not exist yet gets the size of the spec. */
function claimsOfOthers(
  wanted: readonly WantedClaim[],
  { claimTemplateSizes = {} }: RenderInput,
): WantedClaim[] {
  return wanted.filter(({ name }) => claimTemplateSizes[setOf(name)] !== undefined);
}

/** Claims are named `data-<StatefulSet>-<ordinal>`. */
function setOf(claim: string): string {
  return claim.replace(/^data-/, '').replace(/-\d+$/, '');
}
