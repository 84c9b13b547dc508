import type { Activations } from '../../../proto/gen/tori/memory/v1/types.js';
import type { EpisodicVaultServer } from '../../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { decodeActivations, decodeU32, encodeActivations, sparseVector } from '../activations/activations.js';
import type { CallSettings, ServiceClient } from '../clients/client.js';
import { invalidArgument, ServiceError } from '../errors.js';
import { BoundedMap } from './bounded-map.js';

/** What a dictionary needs of its vault. */
export type DictionaryVault = Pick<ServiceClient<EpisodicVaultServer>, 'internConcepts' | 'listConcepts'>;

/** How much a dictionary remembers. */
export interface DictionaryLimits {
  /** Names whose id is kept, about 150 bytes each. */
  readonly names: number;
  /** Pages of 4096 ids whose names are kept. */
  readonly pages: number;
}

const defaultLimits: DictionaryLimits = { names: 262_144, pages: 64 };
const pageSize = 4096;
const internBatch = 65_536;
const unknownId = 0xffff_ffff;

/**
 * The dictionary of one tenant in one vault, with a bounded cache: names to ids and back.
 *
 * Ids never change and are never reused, so what is cached stays true for as long as the vault keeps its data; a vault
 * that starts empty needs a new dictionary.
 */
export class ConceptDictionary {
  readonly #vault: DictionaryVault;
  readonly #tenant: string;
  readonly #ids: BoundedMap<string, number>;
  readonly #pages: BoundedMap<number, readonly string[]>;

  constructor(vault: DictionaryVault, tenant: string, limits: DictionaryLimits = defaultLimits) {
    this.#vault = vault;
    this.#tenant = tenant;
    this.#ids = new BoundedMap(limits.names);
    this.#pages = new BoundedMap(limits.pages);
  }

  /**
   * Ids of names, adding those that the vault does not know. One round trip for all names that are not cached.
   * @throws INVALID_ARGUMENT for a name that the vault does not accept
   */
  async intern(names: readonly string[], settings?: CallSettings): Promise<Uint32Array> {
    const found = await this.#resolve(names, false, settings);
    return Uint32Array.from(names, (name) => found.get(name)!);
  }

  /** Ids of those names that the vault knows; adds nothing. */
  async find(names: readonly string[], settings?: CallSettings): Promise<Map<string, number>> {
    return this.#resolve(names, true, settings);
  }

  /**
   * Names of ids, in their order. One stream for each page of 4096 ids that is not cached.
   * @throws INVALID_ARGUMENT for an id that the vault never gave
   */
  async namesOf(ids: Uint32Array, settings?: CallSettings): Promise<string[]> {
    // Pages are held here for the call: a vector may span more pages than the cache keeps.
    const pages = new Map<number, readonly string[]>();
    const names: string[] = [];
    for (const id of ids) {
      const page = Math.floor(id / pageSize);
      let held = pages.get(page) ?? this.#pages.get(page);
      if (held === undefined || held.length <= id % pageSize) held = await this.#fetchPage(page, settings);
      pages.set(page, held);
      const name = held[id % pageSize];
      if (name === undefined) throw invalidArgument('concept_ids', id, 'ids of this vault and tenant');
      names.push(name);
    }
    return names;
  }

  /** Activations by name as the wire form of this vault, adding names that it does not know. */
  async encode(concepts: ReadonlyMap<string, number>, settings?: CallSettings): Promise<Activations> {
    const names = [...concepts.keys()];
    const ids = await this.intern(names, settings);
    return encodeActivations(sparseVector(names.map((name, k) => [ids[k]!, concepts.get(name)!])));
  }

  /** Activations of this vault by name, in ascending order of id. */
  async decode(activations: Activations | undefined, settings?: CallSettings): Promise<Map<string, number>> {
    const { ids, values } = decodeActivations(activations);
    const names = await this.namesOf(ids, settings);
    return new Map(names.map((name, k) => [name, values[k]!]));
  }

  async #resolve(
    names: readonly string[],
    existingOnly: boolean,
    settings: CallSettings | undefined,
  ): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const missing = new Set<string>();
    for (const name of names) {
      const id = this.#ids.get(name);
      if (id === undefined) missing.add(name);
      else found.set(name, id);
    }
    const wanted = [...missing];
    for (let start = 0; start < wanted.length; start += internBatch) {
      const batch = wanted.slice(start, start + internBatch);
      const request = { tenant: this.#tenant, names: batch, existingOnly };
      const response = await this.#vault.internConcepts(request, settings);
      const ids = decodeU32(response.conceptIds, 'concept_ids');
      batch.forEach((name, k) => this.#learn(found, name, ids[k]));
    }
    return found;
  }

  #learn(found: Map<string, number>, name: string, id: number | undefined): void {
    if (id === undefined)
      throw new ServiceError('INTERNAL', 'the vault answered fewer ids than it was asked for');
    if (id === unknownId) return;
    found.set(name, id);
    this.#ids.set(name, id);
  }

  async #fetchPage(page: number, settings: CallSettings | undefined): Promise<readonly string[]> {
    const names: string[] = [];
    const request = { tenant: this.#tenant, firstId: page * pageSize };
    for await (const part of this.#vault.listConcepts(request, settings)) {
      names.push(...part.names.slice(0, pageSize - names.length));
      if (names.length >= pageSize) break;
    }
    this.#pages.set(page, names);
    return names;
  }
}
