import { mkdirSync } from 'node:fs';
import { open, type Database, type RootDatabase } from 'lmdb';
import type { Cursor } from '../common/bus/cursor-file.js';
import { Outbox } from '../common/bus/outbox.js';
import { ConfigError } from '../common/config/config.js';
import { decodeBin, encodeBin } from './bin-codec.js';
import {
  addTally,
  coarsenTallies,
  tallyEvents,
  type Bin,
  type Tally,
  type TimedActivations,
} from './domain/bins.js';
import type { Resolution } from './domain/time-axis.js';
import { decodeSpectrum, encodeSpectrum, type Spectrum } from './spectrum.js';

/** The axis that a store keeps: which widths, ascending, each dividing the next, and how many bins of each. */
export interface Axis {
  readonly widthsMs: readonly number[];
  readonly capacity: number;
}

/** An event of the series; with an id it is taken once only. */
export interface SeriesEvent extends TimedActivations {
  readonly eventId?: string;
}

/** What came of adding events. */
export interface Added {
  readonly accepted: number;
  readonly ignored: number;
  /** Bins that changed, by width. */
  readonly touched: ReadonlyMap<number, readonly number[]>;
}

/** A place in a tenant's log in the vault. */
export interface VaultPlace {
  /** The vault's log, as its events name it. */
  readonly log: string;
  readonly sequence: number;
}

interface TenantRecord {
  /** Last sequence of the vault that is in the bins. */
  readonly cursor: number;
  /** The vault's log that the cursor counts; absent when it was written before cursors had one. */
  readonly log?: string;
  /** Counts the commits that changed a bin. */
  readonly changes: number;
  /** Ordinal of the newest remembered event id. */
  readonly lastSeen: number;
}

const format = 1;
const newTenant: TenantRecord = { cursor: 0, changes: 0, lastSeen: 0 };
/** Event ids remembered for each tenant: an event that is sent again later than that many others counts again. */
const rememberedIds = 65_536;

/**
 * Bins, cursors and spectra of all tenants in one lmdb environment. Events enter the bins of every width, the cursor moves
 * and event ids are remembered in one transaction: a process that dies at any moment has counted each event once or not
 * yet, and reads on from the cursor.
 *
 * | database | key | value |
 * |---|---|---|
 * | tenants | tenant | {@link TenantRecord} |
 * | bins | tenant, width, bin | sums, see `bin-codec.ts`; the newest `capacity` of each width |
 * | seen, order | tenant, event id; tenant, ordinal | the newest event ids |
 * | spectra | tenant | {@link Spectrum} |
 * | outbox | sequence | event |
 * | (root) | `busCursor` | where this learner stands in the vault's events |
 */
export class LearnerStore {
  readonly outbox: Outbox;
  readonly #axis: Axis;
  readonly #root: RootDatabase;
  readonly #tenants: Database<TenantRecord, string>;
  readonly #bins: Database<Buffer, [tenant: string, widthMs: number, bin: number]>;
  readonly #seen: Database<number, [tenant: string, eventId: string]>;
  readonly #order: Database<string, [tenant: string, ordinal: number]>;
  readonly #spectra: Database<Buffer, string>;
  /** Events of each stored bin, by tenant and width; read from disk at the first use. */
  readonly #counts = new Map<string, Map<number, Map<number, number>>>();

  /** @throws ConfigError when the folder cannot be used or holds another format */
  constructor(folder: string, axis: Axis) {
    this.#axis = axis;
    this.#root = openFolder(folder);
    this.#tenants = this.#root.openDB({ name: 'tenants' });
    this.#bins = this.#root.openDB({ name: 'bins', encoding: 'binary' });
    this.#seen = this.#root.openDB({ name: 'seen' });
    this.#order = this.#root.openDB({ name: 'order' });
    this.#spectra = this.#root.openDB({ name: 'spectra', encoding: 'binary' });
    this.outbox = new Outbox(
      this.#root.openDB({ name: 'outbox', keyEncoding: 'uint32', encoding: 'binary' }),
    );
    this.#adoptAxis();
  }

  tenants(): string[] {
    return [...this.#tenants.getKeys()];
  }

  /**
   * Last sequence of the vault that is in the bins.
   * @param log the vault's log that is asked about; another one than the cursor's has nothing in the bins yet
   */
  cursor(tenant: string, log?: string): number {
    const record = this.#record(tenant);
    return log === undefined || isOf(record, log) ? record.cursor : 0;
  }

  /** Where this learner stands in the vault's events; undefined at the very beginning. */
  busCursor(): Cursor | undefined {
    return this.#root.get('busCursor') as Cursor | undefined;
  }

  /** Notes that the vault's events were handled up to a place; written in the background, never ahead of the bins. */
  keepBusCursor(cursor: Cursor): void {
    // A write that fails costs repeated events, which the cursors of the tenants recognise.
    this.#root.put('busCursor', cursor).catch(() => undefined);
  }

  changes(tenant: string): number {
    return this.#record(tenant).changes;
  }

  /** What the bins of each width hold, finest first; bins that end after `now` are still open and left out. */
  resolutions(tenant: string, now: number): Resolution[] {
    const counts = this.#countsOf(tenant);
    return this.#axis.widthsMs.map((widthMs) => {
      const closed = [...counts.get(widthMs)!].filter(([bin]) => (bin + 1) * widthMs <= now);
      return {
        widthMs,
        bins: closed.map(([bin]) => bin).sort((a, b) => a - b),
        events: closed.reduce((sum, [, events]) => sum + events, 0),
      };
    });
  }

  bin(tenant: string, widthMs: number, bin: number): Bin | undefined {
    const bytes = this.#bins.get([tenant, widthMs, bin]);
    return bytes === undefined ? undefined : decodeBin(bytes);
  }

  /**
   * Adds events durably.
   * @param place up to where in the vault's log they go; absent for events from elsewhere
   */
  async add(tenant: string, events: readonly SeriesEvent[], place?: VaultPlace): Promise<Added> {
    try {
      const added = await this.#root.childTransaction(() => this.#add(tenant, events, place));
      await this.#root.flushed;
      return added;
    } catch (error) {
      // The transaction is gone; so is what was noted in memory along with it.
      this.#counts.delete(tenant);
      throw error;
    }
  }

  spectrum(tenant: string): Spectrum | undefined {
    const bytes = this.#spectra.get(tenant);
    return bytes === undefined ? undefined : decodeSpectrum(bytes);
  }

  /** Stores a spectrum and announces `modes.updated`. */
  async saveSpectrum(tenant: string, spectrum: Spectrum): Promise<void> {
    await this.#root.childTransaction(() => {
      this.#spectra.putSync(tenant, encodeSpectrum(spectrum));
      this.outbox.append({
        type: 'modes.updated',
        tenant,
        timeUnixMs: spectrum.fittedUnixMs,
        attributes: { modes: String(spectrum.modes.length), effective_rank: String(spectrum.effectiveRank) },
      });
    });
    await this.#root.flushed;
    this.outbox.announce();
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #record(tenant: string): TenantRecord {
    return this.#tenants.get(tenant) ?? newTenant;
  }

  #add(tenant: string, events: readonly SeriesEvent[], place: VaultPlace | undefined): Added {
    const record = this.#record(tenant);
    // A batch that was committed before a crash could be handed over again.
    if (place !== undefined && isOf(record, place.log) && place.sequence <= record.cursor)
      return { accepted: 0, ignored: events.length, touched: new Map() };
    const { fresh, lastSeen } = this.#remember(tenant, events, record.lastSeen);
    const touched = new Map<number, readonly number[]>();
    let tallies = tallyEvents(fresh, this.#axis.widthsMs[0]!);
    let kept = 0;
    this.#axis.widthsMs.forEach((widthMs, k) => {
      if (k > 0) tallies = coarsenTallies(tallies, widthMs / this.#axis.widthsMs[k - 1]!);
      const bins = this.#merge(tenant, widthMs, tallies);
      touched.set(widthMs, bins);
      // The coarsest width reaches back farthest, so what it takes is what was taken at all.
      kept = bins.reduce((sum, bin) => sum + tallies.get(bin)!.events, 0);
    });
    this.#tenants.putSync(tenant, {
      ...record,
      ...(place && { cursor: place.sequence, log: place.log }),
      changes: record.changes + (kept > 0 ? 1 : 0),
      lastSeen,
    });
    return { accepted: kept, ignored: events.length - kept, touched };
  }

  /** Leaves out events whose id was seen, and remembers the others'. */
  #remember(
    tenant: string,
    events: readonly SeriesEvent[],
    last: number,
  ): { fresh: SeriesEvent[]; lastSeen: number } {
    let lastSeen = last;
    const fresh = events.filter(({ eventId }) => {
      if (eventId === undefined) return true;
      if (this.#seen.doesExist([tenant, eventId])) return false;
      lastSeen += 1;
      this.#seen.putSync([tenant, eventId], lastSeen);
      this.#order.putSync([tenant, lastSeen], eventId);
      const forgotten = this.#order.get([tenant, lastSeen - rememberedIds]);
      if (forgotten !== undefined) {
        this.#seen.removeSync([tenant, forgotten]);
        this.#order.removeSync([tenant, lastSeen - rememberedIds]);
      }
      return true;
    });
    return { fresh, lastSeen };
  }

  /** Adds tallies to the bins of one width, keeps the newest, and returns those that changed. */
  #merge(tenant: string, widthMs: number, tallies: ReadonlyMap<number, Tally>): number[] {
    const counts = this.#countsOf(tenant).get(widthMs)!;
    const all = [...new Set([...counts.keys(), ...tallies.keys()])].sort((a, b) => b - a);
    const kept = new Set(all.slice(0, this.#axis.capacity));
    for (const bin of all.slice(this.#axis.capacity)) {
      if (counts.delete(bin)) this.#bins.removeSync([tenant, widthMs, bin]);
    }
    const changed = [...tallies.keys()].filter((bin) => kept.has(bin));
    for (const bin of changed) {
      const sum = addTally(this.bin(tenant, widthMs, bin), tallies.get(bin)!);
      this.#bins.putSync([tenant, widthMs, bin], encodeBin(sum));
      counts.set(bin, sum.events);
    }
    return changed;
  }

  #countsOf(tenant: string): Map<number, Map<number, number>> {
    const known = this.#counts.get(tenant);
    if (known !== undefined) return known;
    const counts = new Map(this.#axis.widthsMs.map((widthMs) => [widthMs, new Map<number, number>()]));
    const range = { start: [tenant, -Infinity], end: [tenant, Infinity] };
    for (const { key, value } of this.#bins.getRange(range)) {
      counts.get(key[1])?.set(key[2], decodeBin(value).events);
    }
    this.#counts.set(tenant, counts);
    return counts;
  }

  /**
   * Bins of another axis cannot be turned into this one. They are dropped with the cursors, and the vault's episodes are
   * read again from the start.
   */
  #adoptAxis(): void {
    const axis = JSON.stringify(this.#axis);
    const found: unknown = this.#root.get('axis');
    if (found !== axis) {
      for (const database of [this.#tenants, this.#bins, this.#seen, this.#order, this.#spectra])
        database.clearSync();
      this.#root.removeSync('busCursor');
    }
    this.#root.putSync('axis', axis);
  }
}

function isOf({ log }: TenantRecord, asked: string): boolean {
  return log === undefined || log === asked;
}

function openFolder(folder: string): RootDatabase {
  let root: RootDatabase;
  try {
    mkdirSync(folder, { recursive: true });
    root = open({ path: folder, pageSize: 16_384, maxDbs: 8 });
  } catch (cause) {
    throw new ConfigError(`DATA_DIR = ${JSON.stringify(folder)}: cannot be used (${String(cause)})`, {
      cause,
    });
  }
  const found: unknown = root.get('format') ?? format;
  if (found !== format) {
    throw new ConfigError(
      `DATA_DIR = ${JSON.stringify(folder)}: holds bins of format ${String(found)}; expected format ${format}`,
    );
  }
  root.putSync('format', format);
  return root;
}
