import { randomUUID } from 'node:crypto';
import type { ApiClient } from '../client/api-client.js';
import { isNotFound } from '../client/errors.js';
import type { KubeObject } from '../client/objects.js';
import { systemClock, type Clock } from '../clock/clock.js';
import { Deadlines } from '../clock/deadlines.js';
import { microTime } from '../clock/micro-time.js';
import { events, type KubeEvent } from './event.js';

/** What is fixed of a reason. */
export interface EventReason {
  readonly type: 'Normal' | 'Warning';
  /** What the controller did or tried, as a verb: `Promote`. */
  readonly action: string;
}

/** What a recorder needs. */
export interface EventRecorderOptions<R extends string> {
  readonly client: Pick<ApiClient, 'create' | 'patch'>;
  /** All reasons there are; a reason is for machines and never made up on the way. */
  readonly reasons: Readonly<Record<R, EventReason>>;
  /** Name of the controller, such as `example.com/operator`. */
  readonly controller: string;
  /** Which copy of it: the pod's name. */
  readonly instance: string;
  readonly clock?: Clock;
  /** Told of events that could not be written. */
  readonly onFailure?: (error: unknown) => void;
  readonly timing?: EventTiming;
}

/** How repetitions are written. */
export interface EventTiming {
  /** Repetitions are counted and written once in so many milliseconds. */
  readonly writeEveryMs: number;
  /** An event that was not repeated for so long is a new one next time, in milliseconds. */
  readonly seriesMs: number;
}

const defaultTiming: EventTiming = { writeEveryMs: 60_000, seriesMs: 360_000 };

/** The API's limit on a note. */
const maxNoteBytes = 1_024;
/** Different events of one object within a series' time; more is noise, or a fault that one event tells as well. */
const maxSeriesPerObject = 25;
const maxWaiting = 1_000;

interface Series {
  readonly object: string;
  readonly event: KubeEvent;
  count: number;
  written: number;
  /** When it was last seen, on the monotonic clock. */
  last: number;
}

/** Writes Events about objects. Never fails and never blocks its caller; what cannot be written is told and dropped. */
export class EventRecorder<R extends string> {
  readonly #options: EventRecorderOptions<R>;
  readonly #clock: Clock;
  readonly #timing: EventTiming;
  readonly #series = new Map<string, Series>();
  readonly #perObject = new Map<string, number>();
  readonly #due: Deadlines;
  #waiting: (() => Promise<unknown>)[] = [];
  #writing = false;
  #idle: (() => void)[] = [];

  constructor(options: EventRecorderOptions<R>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timing = options.timing ?? defaultTiming;
    this.#due = new Deadlines(this.#clock, (key) => this.#look(key));
  }

  /** Tells people something about an object. The same again within minutes becomes a count on the first event. */
  record(regarding: KubeObject, reason: R, note: string): void {
    const key = `${regarding.metadata.uid ?? regarding.metadata.name}\n${reason}\n${note}`;
    const series = this.#series.get(key);
    if (series !== undefined) {
      series.count++;
      series.last = this.#clock.monotonic();
      return;
    }
    const object = regarding.metadata.uid ?? regarding.metadata.name;
    const ofObject = this.#perObject.get(object) ?? 0;
    if (ofObject >= maxSeriesPerObject) {
      this.#options.onFailure?.(
        new Error(`event ${reason} of ${regarding.metadata.name}: too many different events`),
      );
      return;
    }
    this.#perObject.set(object, ofObject + 1);
    const event = this.#event(regarding, reason, note);
    this.#series.set(key, { object, event, count: 1, written: 1, last: this.#clock.monotonic() });
    this.#due.set(key, this.#timing.writeEveryMs);
    this.#write(() => this.#options.client.create(events, event));
  }

  /** Writes the counts that are not written yet, and resolves when everything is written or was dropped. */
  async flush(): Promise<void> {
    for (const series of this.#series.values()) this.#writeCount(series);
    if (this.#writing) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Writes what is left and forgets everything. */
  async close(): Promise<void> {
    await this.flush();
    this.#due.clear();
    this.#series.clear();
    this.#perObject.clear();
  }

  #look(key: string): void {
    const series = this.#series.get(key);
    if (series === undefined) return;
    this.#writeCount(series);
    const silentMs = this.#clock.monotonic() - series.last;
    if (silentMs < this.#timing.seriesMs) {
      this.#due.set(key, this.#timing.writeEveryMs);
      return;
    }
    this.#series.delete(key);
    const left = (this.#perObject.get(series.object) ?? 1) - 1;
    if (left === 0) this.#perObject.delete(series.object);
    else this.#perObject.set(series.object, left);
  }

  #writeCount(series: Series): void {
    if (series.count === series.written) return;
    series.written = series.count;
    const agoMs = this.#clock.monotonic() - series.last;
    const counted = { count: series.count, lastObservedTime: microTime(this.#clock.now() - agoMs) };
    this.#write(async () => {
      try {
        await this.#options.client.patch(
          events,
          series.event.metadata,
          { series: counted },
          { type: 'merge' },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
        // Events live for an hour; a series may live longer.
        await this.#options.client.create(events, { ...series.event, series: counted });
      }
    });
  }

  #write(write: () => Promise<unknown>): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#options.onFailure?.(new Error('too many events wait to be written'));
      return;
    }
    this.#waiting.push(write);
    if (!this.#writing) void this.#writeAll();
  }

  /** One after the other: a count must not overtake its event. */
  async #writeAll(): Promise<void> {
    this.#writing = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await next();
      } catch (error) {
        this.#options.onFailure?.(error);
      }
    }
    this.#writing = false;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #event({ apiVersion, kind, metadata }: KubeObject, reason: R, note: string): KubeEvent {
    const { controller, instance, reasons } = this.#options;
    const { name, namespace, uid } = metadata;
    return {
      metadata: {
        name: `${name.slice(0, 200)}.${randomUUID().slice(0, 18)}`,
        // Events about cluster-wide objects live in the default namespace.
        namespace: namespace ?? 'default',
      },
      eventTime: microTime(this.#clock.now()),
      ...reasons[reason],
      reason,
      note: cut(note),
      regarding: {
        ...(apiVersion === undefined ? {} : { apiVersion }),
        ...(kind === undefined ? {} : { kind }),
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
      },
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
    };
  }
}

function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= maxNoteBytes) return note;
  const ellipsis = '…';
  const kept = bytes.subarray(0, maxNoteBytes - Buffer.byteLength(ellipsis)).toString('utf8');
  // The cut may fall inside a character.
  return `${kept.replace(/\uFFFD$/, '')}${ellipsis}`;
}
