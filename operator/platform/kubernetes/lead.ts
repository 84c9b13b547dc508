import { Controller, type ReconcileResult, type RuntimeMetrics } from '../../runtime/index.js';
import { ActionController } from './action-controller.js';
import type { CacheSet } from './caches.js';
import { ClusterOperator } from './cluster-operator.js';
import { ProfileController } from './profile-controller.js';
import type { Shared } from './shared.js';
import { wakeOnChanges } from './wake-ups.js';

/** What leading takes beside what the controllers share. */
export interface Leading extends Omit<Shared, 'wake' | 'caches'> {
  readonly caches: CacheSet;
  readonly runtimeMetrics: RuntimeMetrics;
  readonly workers: number;
  /** Given the controllers when they run, and nothing when they have ended: for liveness. */
  readonly onControllers: (controllers: readonly Controller[]) => void;
}

/** Reconciles everything until the signal aborts. */
export async function lead(leading: Leading): Promise<void> {
  const { caches, signal, onControllers } = leading;
  const shared: Shared = { ...leading, wake: (key, delayMs) => clusters.addAfter(key, delayMs) };
  const operator = new ClusterOperator(shared);
  const profileController = new ProfileController(shared);
  const actionController = new ActionController(shared);
  const clusters = controller(leading, 'memorycluster', leading.workers, (key, limit) =>
    operator.reconcile(key, limit),
  );
  const profiles = controller(leading, 'tuningprofile', 1, (key, limit) =>
    profileController.reconcile(key, limit),
  );
  const actions = controller(leading, 'memoryaction', 1, (key, limit) =>
    actionController.reconcile(key, limit),
  );
  const all = [clusters, profiles, actions];
  const stopWaking = wakeOnChanges(caches, leading.children, { clusters, profiles, actions });
  onControllers(all);
  await Promise.all(all.map((one) => one.run(signal)));
  onControllers([]);
  stopWaking();
  await operator.close();
}

function controller(
  { logger, runtimeMetrics: metrics, clock }: Leading,
  name: string,
  workers: number,
  reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>,
): Controller {
  return new Controller({ name, reconcile, logger, metrics, workers, clock });
}
