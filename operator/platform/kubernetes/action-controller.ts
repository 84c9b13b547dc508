import type { MemoryAction } from '../../api/memory-action.js';
import { actionStatus, byAge, keptActions } from '../../reconcile/action-status.js';
import type { Stored } from '../../reconcile/reconcile.js';
import type { ReconcileResult } from '../../runtime/index.js';
import { addresseeOf } from './action-routing.js';
import { targetKey } from './caches.js';
import { actionType } from './kinds.js';
import type { Shared } from './shared.js';
import { StatusWriter } from './status-writer.js';

/** What is applied together arrives one by one: the target of an action may come a moment later. */
const graceMs = 10_000;
/** Answered actions beyond the newest are kept for so long. */
const keepMs = 24 * 3_600_000;

/** Refuses MemoryActions that no cluster answers, and lets the oldest answered ones go. */
export class ActionController {
  readonly #shared: Shared;
  readonly #statuses: StatusWriter<MemoryAction>;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#statuses = new StatusWriter(shared.client, actionType);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const cached = this.#shared.caches.actions.get(key);
    if (cached === undefined) {
      this.#statuses.forget(key);
      return undefined;
    }
    const action = this.#statuses.newest(cached);
    return action.status === undefined ? this.#refuse(action, signal) : this.#prune(action, signal);
  }

  async #refuse(action: MemoryAction, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const { caches, clock, events } = this.#shared;
    const addressee = addresseeOf(caches, action);
    if ('cluster' in addressee) return undefined;
    const waitMs = Date.parse(action.metadata.creationTimestamp ?? '') + graceMs - clock.now();
    if (addressee.mayCome && waitMs > 0) return { requeueAfterMs: waitMs };
    const { uid = '', generation = 1 } = action.metadata;
    const answer = { uid, outcome: 'Refused', message: addressee.refusal } as const;
    await this.#statuses.write(action, actionStatus(generation, answer, new Date(clock.now())), signal);
    events.record(action, 'ActionRefused', addressee.refusal);
    return undefined;
  }

  /** The newest answered actions on one target stay; older ones go when a day has passed. */
  async #prune(action: MemoryAction, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const { caches, client, clock } = this.#shared;
    const answered = caches.actions
      .by('target', targetKey(action))
      .filter(({ status }) => status !== undefined);
    if (answered.length <= keptActions) return undefined;
    const excess = ([...answered].sort(byAge) as Stored<MemoryAction>[]).slice(0, -keptActions);
    const ages = excess.map(({ status }) => clock.now() - Date.parse(status?.handledAt ?? ''));
    await Promise.all(
      excess
        .filter((_, k) => ages[k]! >= keepMs)
        .map(({ metadata }) => client.delete(actionType, metadata, { uid: metadata.uid, signal })),
    );
    const youngest = ages.filter((age) => age < keepMs);
    return youngest.length === 0 ? undefined : { requeueAfterMs: keepMs - Math.max(...youngest) };
  }
}
