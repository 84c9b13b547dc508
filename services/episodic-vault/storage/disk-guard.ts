import { statfsSync } from 'node:fs';
import { ServiceError } from '../../common/errors.js';

/** How long a measurement of free space holds, in milliseconds. */
const measurementMs = 1_000;

/** Keeps a vault from filling its disk: below a watermark of free bytes it takes no more episodes and names. */
export class DiskGuard {
  readonly #folder: string;
  readonly #minFreeBytes: number;
  readonly #now: () => number;
  #free = Infinity;
  #measuredAt = -Infinity;

  /** @param now milliseconds, rising */
  constructor(folder: string, minFreeBytes: number, now: () => number) {
    this.#folder = folder;
    this.#minFreeBytes = minFreeBytes;
    this.#now = now;
  }

  /** @throws RESOURCE_EXHAUSTED while free space is below the watermark */
  check(): void {
    if (this.#now() - this.#measuredAt >= measurementMs) this.#measure();
    if (this.#free >= this.#minFreeBytes) return;
    throw new ServiceError(
      'RESOURCE_EXHAUSTED',
      `the disk of DATA_DIR has ${this.#free} bytes free, below VAULT_MIN_FREE_BYTES = ${this.#minFreeBytes}; nothing was stored`,
    );
  }

  /**
   * The error of a write that failed. lmdb reports a write that a full disk cut short as an I/O error, so a nearly full
   * disk tells more than the code.
   */
  writeError(cause: unknown): ServiceError {
    this.#measure();
    const reason = cause instanceof Error ? cause.message : String(cause);
    const full = this.#free < leastForOneWrite || /ENOSPC|No space left|MDB_MAP_FULL/.test(reason);
    return full
      ? new ServiceError('RESOURCE_EXHAUSTED', 'the disk of DATA_DIR is full; nothing was stored', { cause })
      : new ServiceError('INTERNAL', `the write failed and nothing was stored: ${reason}`, { cause });
  }

  #measure(): void {
    const { bavail, bsize } = statfsSync(this.#folder);
    this.#free = bavail * bsize;
    this.#measuredAt = this.#now();
  }
}

/** More than any one transaction writes. */
const leastForOneWrite = 64 * 1024 ** 2;
