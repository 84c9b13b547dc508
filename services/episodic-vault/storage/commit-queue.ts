import { setImmediate as turn } from 'node:timers/promises';
import type { Draft } from './draft.js';

/**
 * A write: checks everything first and throws to refuse, then records its changes in the draft, which must not throw. What
 * it returns is handed over after the flush.
 */
export type Change<T> = (draft: Draft) => T;

/** What the queue needs of the vault. */
export interface CommitTarget {
  begin(): Draft;
  /** Called after each flush. */
  flushed(): void;
  /** Turns a failed flush into the error that callers see. */
  failed(cause: unknown): Error;
}

interface Waiting {
  decide(draft: Draft): void;
  resolve(): void;
  reject(error: Error): void;
}

/** Rows after which a group takes no further change; bounds a transaction to some 10 MB of typical episodes. */
const groupRows = 16_384;

/**
 * Group commit: while one transaction is flushed, changes queue up; the next transaction takes them all. So a flush is
 * shared by everybody who waits, changes are decided strictly one after the other, and nothing is acknowledged before it
 * is on disk (DeWitt et al. 1984, section 5.2).
 */
export class CommitQueue {
  readonly #target: CommitTarget;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(target: CommitTarget) {
    this.#target = target;
  }

  /** Resolves to the change's result once it is on disk; rejects with its refusal or with the failure to write. */
  submit<T>(change: Change<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let outcome: { readonly value: T } | { readonly refusal: Error } | undefined;
      this.#waiting.push({
        decide: (draft) => {
          try {
            outcome = { value: change(draft) };
          } catch (error) {
            outcome = { refusal: error instanceof Error ? error : new Error(String(error)) };
          }
        },
        resolve: () => {
          if (outcome === undefined) return;
          if ('refusal' in outcome) reject(outcome.refusal);
          else resolve(outcome.value);
        },
        reject,
      });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when everything submitted so far is decided and flushed. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Calls that arrive in this turn of the event loop join the first group.
    await turn();
    while (this.#waiting.length > 0) await this.#commitGroup();
    this.#running = undefined;
  }

  async #commitGroup(): Promise<void> {
    const draft = this.#target.begin();
    let taken = 0;
    while (taken < this.#waiting.length && draft.size < groupRows) {
      this.#waiting[taken]!.decide(draft);
      taken += 1;
    }
    const group = this.#waiting.slice(0, taken);
    this.#waiting = this.#waiting.slice(taken);
    try {
      await draft.flush();
    } catch (cause) {
      const error = this.#target.failed(cause);
      for (const waiting of group) waiting.reject(error);
      return;
    }
    this.#target.flushed();
    for (const waiting of group) waiting.resolve();
  }
}
