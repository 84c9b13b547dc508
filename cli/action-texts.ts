import type { ActionName } from '../operator/api/memory-action.js';

/** What each command does, as help and explanations show it. */
export const actionTexts: Readonly<Record<ActionName, string>> = {
  promote: 'take the canary to the next step at once, without waiting for its hold',
  abort: 'end the rollout and go back to the stable revision',
  retry: 'try the wanted revision again after it failed',
  pause: 'stop the rollout where it is',
  resume: 'go on with a paused rollout',
  approve: 'let a gate of the rollout pass, or with --proposal a change that the tuner proposes',
  reject: 'refuse the canary at its gate, or with --proposal a change that the tuner proposes',
};
