import { z } from 'zod';
import { readDocument, type KeptDocuments } from './kept-documents.js';

const stateSchema = z.object({
  /** Revision whose canary got the stable graph. */
  seededRevision: z.string().optional(),
  /** Last tuning change whose values stable runs with. */
  adoptedTuningGeneration: z.number().int().optional(),
});

type State = z.output<typeof stateSchema>;

/** What was done to the tracks and cannot be seen by looking at them. */
export class TrackState {
  readonly #documents: KeptDocuments;
  #state: State | undefined;

  constructor(documents: KeptDocuments) {
    this.#documents = documents;
  }

  /** Nothing known is the safe answer: seeding and adopting can be repeated. */
  async read(): Promise<State> {
    this.#state ??= (await readDocument(this.#documents, 'tracks', (json) => stateSchema.parse(json))) ?? {};
    return this.#state;
  }

  async markSeeded(revision: string): Promise<void> {
    await this.#store({ ...(await this.read()), seededRevision: revision });
  }

  async markAdopted(generation: number): Promise<void> {
    await this.#store({ ...(await this.read()), adoptedTuningGeneration: generation });
  }

  async forgetCanary(): Promise<void> {
    const { seededRevision, adoptedTuningGeneration } = await this.read();
    if (seededRevision === undefined) return;
    await this.#store(adoptedTuningGeneration === undefined ? {} : { adoptedTuningGeneration });
  }

  async #store(state: State): Promise<void> {
    this.#state = undefined;
    await this.#documents.write('tracks', JSON.stringify(state));
    this.#state = state;
  }
}
