import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { Home } from '../home.js';

const stateSchema = z.object({
  /** Revision whose canary got the stable graph. */
  seededRevision: z.string().optional(),
  /** Last tuning change whose values stable runs with. */
  adoptedTuningGeneration: z.number().int().optional(),
});

type State = z.output<typeof stateSchema>;

/** What was done to the tracks and cannot be seen by looking at them. */
export class TrackState {
  readonly #file: string;
  /** Parameters that were last pushed to each track by this process; lost with it, so that the next one pushes again. */
  readonly pushed = new Map<'stable' | 'canary', string>();
  #state: State;

  constructor(home: Home) {
    this.#file = join(home.run, 'tracks.json');
    this.#state = readState(this.#file);
  }

  get seededRevision(): string | undefined {
    return this.#state.seededRevision;
  }

  get adoptedTuningGeneration(): number | undefined {
    return this.#state.adoptedTuningGeneration;
  }

  markSeeded(revision: string): void {
    this.#store({ ...this.#state, seededRevision: revision });
  }

  markAdopted(generation: number): void {
    this.#store({ ...this.#state, adoptedTuningGeneration: generation });
  }

  forgetCanary(): void {
    if (this.#state.seededRevision === undefined) return;
    const { adoptedTuningGeneration } = this.#state;
    this.#store(adoptedTuningGeneration === undefined ? {} : { adoptedTuningGeneration });
  }

  #store(state: State): void {
    this.#state = state;
    writeFileAtomic.sync(this.#file, JSON.stringify(state));
  }
}

/** Nothing known is the safe answer: seeding and adopting can be repeated. */
function readState(file: string): State {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    rmSync(file, { force: true });
    return {};
  }
}
