import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { logOf, type BusEvent } from './bus.js';

const cursorSchema = z.object({ log: z.string(), sequence: z.number().int().min(0) });

/** Where a subscriber stands in a source's log. */
export type Cursor = z.output<typeof cursorSchema>;

/** The cursor that belongs to a handled event. */
export function cursorAt(event: BusEvent): Cursor {
  return { log: logOf(event), sequence: event.sequence };
}

/**
 * A cursor in a file, for subscribers whose own data have no place for it. It is written in the background, so after a
 * crash it can be older than what was handled, never newer.
 */
export class CursorFile {
  readonly #path: string;
  #wanted: Cursor | undefined;
  #writing: Promise<void> | undefined;

  /** @param path its folder is made when it is absent */
  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
  }

  /** What was kept; undefined when there is nothing that can be read. */
  read(): Cursor | undefined {
    try {
      return cursorSchema.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch {
      return undefined;
    }
  }

  /** Notes that an event was handled. */
  keep(event: BusEvent): void {
    this.#wanted = cursorAt(event);
    this.#writing ??= this.#write();
  }

  /** Resolves when the last one that was kept is on disk. */
  async written(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#wanted !== undefined) {
      const cursor = this.#wanted;
      this.#wanted = undefined;
      // A full disk costs repeated deliveries after the next start, no event.
      await writeFileAtomic(this.#path, JSON.stringify(cursor)).catch(() => undefined);
    }
    this.#writing = undefined;
  }
}
