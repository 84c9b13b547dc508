/** Episodes of one segment that hold one concept: parallel arrays in order of offset. */
export interface Posting {
  /** Place of the episode in its segment, from 0, strictly ascending. */
  readonly offsets: Uint16Array;
  /** Activation of the concept in that episode, above 0. */
  readonly values: Float32Array;
}

/** A posting that grows at its end. */
export class PostingList {
  #offsets = new Uint16Array(4);
  #values = new Float32Array(4);
  #length = 0;

  /** @param offset above every offset pushed before */
  push(offset: number, value: number): void {
    if (this.#length === this.#offsets.length) this.#grow();
    this.#offsets[this.#length] = offset;
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  /** What was pushed so far: views that later pushes leave alone. */
  view(): Posting {
    return {
      offsets: this.#offsets.subarray(0, this.#length),
      values: this.#values.subarray(0, this.#length),
    };
  }

  #grow(): void {
    const offsets = new Uint16Array(this.#length * 2);
    const values = new Float32Array(this.#length * 2);
    offsets.set(this.#offsets);
    values.set(this.#values);
    this.#offsets = offsets;
    this.#values = values;
  }
}
