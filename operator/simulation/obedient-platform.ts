import type { Intent } from '../rollout/intents.js';
import type { Observation } from '../rollout/observation.js';
import type { Plan, Platform, Seen, Work } from '../reconcile/reconcile.js';

type Facts = Omit<Observation, 'step' | 'metrics'>;

/**
 * A platform on which everything that is asked for is there at once: a recording tells how the memory did, not how long
 * its pods took.
 */
export class ObedientPlatform implements Platform {
  #facts: Facts = { stable: { ready: false }, gatewayEpochs: [], canarySeeded: false };

  problems(): readonly [] {
    return [];
  }

  observe(): Promise<Seen> {
    const observation = this.#facts;
    return Promise.resolve({ observation, completion: {}, services: [], endpoints: {}, statements: [] });
  }

  prepare({ intents }: Plan): Work {
    return {
      carryOut: () => {
        this.#facts = intents.reduce(after, this.#facts);
        return Promise.resolve();
      },
    };
  }

  keepUp(): Promise<void> {
    return Promise.resolve();
  }
}

function after(facts: Facts, intent: Intent): Facts {
  switch (intent.type) {
    case 'runTrack':
      return { ...facts, [intent.track]: { ready: true, revision: intent.revision } };
    case 'seedCanary':
      return { ...facts, canarySeeded: true };
    case 'publishTable':
      return { ...facts, gatewayEpochs: [intent.epoch] };
    case 'adoptTuning':
      return { ...facts, adoptedTuningGeneration: intent.generation };
    case 'drain':
      return { ...facts, drain: { epoch: intent.epoch, copiedThrough: 0, lastSequence: 0, verified: true } };
    case 'removeCanary': {
      const { stable, gatewayEpochs, adoptedTuningGeneration } = facts;
      return {
        stable,
        gatewayEpochs,
        canarySeeded: false,
        ...(adoptedTuningGeneration !== undefined && { adoptedTuningGeneration }),
      };
    }
    case 'forceSleep':
      return facts;
  }
}
