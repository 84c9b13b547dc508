import { Episode } from '../../../proto/gen/tori/memory/v1/types.js';
import { decodeActivations } from '../../common/activations/activations.js';
import { ConceptIndex } from '../domain/concept-index.js';
import { Segment, segmentOf, segmentSize, sequenceAt, type IndexedEpisode } from '../domain/segment.js';
import {
  logKey,
  numberKey,
  numberOfKey,
  postingKey,
  readU64,
  sequenceOfKey,
  tenantEnd,
  tenantOfKey,
  tenantPrefix,
} from './keys.js';
import { decodeColumns, decodeEntry, decodePosting, decodeTenant, type TenantRecord } from './records.js';
import { PostingCache } from './posting-cache.js';
import type { Tables } from './tables.js';

/** What is kept in memory of one tenant. */
export interface TenantState {
  counts: TenantRecord;
  /** Names by concept id. */
  readonly names: string[];
  /** Concept ids by name. */
  readonly conceptIds: Map<string, number>;
  readonly index: ConceptIndex;
}

/** What is kept in memory of the vault. It always equals what is flushed: it changes after a flush and only then. */
export interface VaultState {
  /** Lowest epoch that a write may carry. */
  epoch: number;
  /** Highest sequence of the outbox. */
  outboxSequence: number;
  readonly tenants: Map<string, TenantState>;
  /** Postings of sealed segments that queries used. */
  readonly postingCache: PostingCache;
}

/** Memory for postings, of all tenants: those of some 10^5 episodes with 100 concepts each. */
const postingCacheBytes = 64 * 1024 ** 2;

/** Keys of single values in the meta table. */
export const metaKeys = { epoch: Buffer.from('epoch'), outbox: Buffer.from('outbox') } as const;

/** Reads the state of a vault from disk. The open segments of the concept index are built from the log. */
export function loadState(tables: Tables): VaultState {
  const number = (key: Buffer) => {
    const bytes = tables.meta.get(key);
    return bytes === undefined ? 0 : readU64(bytes);
  };
  const state: VaultState = {
    epoch: number(metaKeys.epoch),
    outboxSequence: number(metaKeys.outbox),
    tenants: new Map(),
    postingCache: new PostingCache(postingCacheBytes),
  };
  for (const { key, value } of tables.tenants.getRange()) {
    const tenant = tenantState(tables, state, tenantOfKey(key));
    tenant.counts = decodeTenant(value);
  }
  for (const [name, tenant] of state.tenants) loadTenant(tables, name, tenant);
  return state;
}

/** The state of a tenant; a new one when it is unknown. */
export function tenantState(tables: Tables, state: VaultState, name: string): TenantState {
  const known = state.tenants.get(name);
  if (known !== undefined) return known;
  const tenant: TenantState = {
    counts: { lastSequence: 0, episodes: 0, tombstones: 0 },
    names: [],
    conceptIds: new Map(),
    index: new ConceptIndex((segment, concept) =>
      state.postingCache.get(name, segment, concept, () => {
        const bytes = tables.postings.get(postingKey(name, segment, concept));
        return bytes === undefined ? undefined : decodePosting(bytes);
      }),
    ),
  };
  state.tenants.set(name, tenant);
  return tenant;
}

/** An encoded episode as the index takes it. */
export function indexedEpisode(sequence: number, payload: Buffer): IndexedEpisode {
  const episode = Episode.decode(payload);
  const { ids, values } = decodeActivations(episode.activations);
  return { sequence, timeUnixMs: episode.timeUnixMs, ids, values };
}

function loadTenant(tables: Tables, name: string, tenant: TenantState): void {
  const range = { start: tenantPrefix(name), end: tenantEnd(name) };
  for (const { value } of tables.concepts.getRange(range)) {
    tenant.conceptIds.set(value.toString(), tenant.names.length);
    tenant.names.push(value.toString());
  }
  let open = 0;
  for (const { key, value } of tables.segments.getRange(range)) {
    const number = numberOfKey(key);
    if (value.length > 1) tenant.index.adopt(new Segment(number, decodeColumns(value)));
    open = number + 1;
  }
  const { lastSequence } = tenant.counts;
  for (let segment = open; segment <= segmentOf(lastSequence); segment++) {
    loadOpenSegment(tables, name, tenant.index, segment);
  }
}

function loadOpenSegment(tables: Tables, name: string, index: ConceptIndex, segment: number): void {
  const start = logKey(name, sequenceAt(segment, 0));
  const end = logKey(name, sequenceAt(segment, segmentSize));
  for (const { key, value } of tables.log.getRange({ start, end })) {
    const { kind, payload } = decodeEntry(value);
    if (kind === 'stored') index.add(indexedEpisode(sequenceOfKey(key), payload));
  }
}

/** Value that marks a segment of which nothing is left; real columns are longer. */
export const droppedSegment = Buffer.of(0);

/** Key of a segment's columns. */
export const segmentKey = numberKey;
