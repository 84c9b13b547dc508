import type { Track, TrackWish } from '../../cluster/workloads.js';
import type { Plan } from '../../reconcile/reconcile.js';
import { keyOf, type KubeObject } from '../../runtime/index.js';
import type { Caches } from './caches.js';
import { kindKey, statefulSetType } from './kinds.js';
import { render, wantedClaims } from './render/render.js';
import type { RenderInput, RenderOptions, WantedClaim } from './render/input.js';
import type { Shared } from './shared.js';
import type { Workload } from './trim.js';

/** What a plan wants to exist. */
export interface Wanted {
  readonly objects: readonly KubeObject[];
  /** Claims of StatefulSets whose template has another size than the spec, by now. */
  readonly claims: readonly WantedClaim[];
}

/** Every child that a plan wants, whether or not this API server serves its kind. */
export function wantedOf(plan: Plan, { caches, images, operatorNamespace }: Shared): Wanted {
  const claimTemplateSizes = templateSizes(caches, plan);
  const input: RenderInput = { cluster: plan.cluster, tracks: tracksOf(plan), claimTemplateSizes };
  const options: RenderOptions = {
    image: images.release,
    redisImage: images.redis,
    operatorNamespace,
    capabilities: { serviceMonitor: true, prometheusRule: true, httpRoute: true, grpcRoute: true },
  };
  return {
    objects: render(input, options) as unknown as readonly KubeObject[],
    claims: wantedClaims(input, options).filter(
      ({ name, size }) => sizeInTemplate(claimTemplateSizes, name) !== size,
    ),
  };
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

/** Sizes in the claim templates of the StatefulSets that exist. */
function templateSizes(caches: Caches, { cluster }: Plan): Readonly<Record<string, string>> {
  const sets = (caches.children.get(kindKey(statefulSetType))?.by('cluster', keyOf(cluster)) ??
    []) as readonly Workload[];
  return Object.fromEntries(
    sets.flatMap(({ metadata, spec }) => {
      const size = spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage;
      return size === undefined ? [] : [[metadata.name, size]];
    }),
  );
}

/** `data-<StatefulSet>-<ordinal>`. A StatefulSet that does not exist yet gets the size of the spec. */
function sizeInTemplate(sizes: Readonly<Record<string, string>>, claim: string): string | undefined {
  const set = claim.replace(/^data-/, '').replace(/-\d+$/, '');
  return sizes[set];
}
