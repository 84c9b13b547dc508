import { setTimeout as sleep } from 'node:timers/promises';
import { createMcp, type Mcp } from '../../lib/mcpClient/index.js';

/** Where the memory is that is written to. */
export interface LoadTarget {
  readonly endpoints: { readonly mcp: string };
  readonly apiKey: string;
}

/** An episode as it was written, kept until it has been found again. */
export interface WrittenEpisode {
  readonly id: string;
  readonly concepts: Readonly<Record<string, number>>;
}

/** What reading everything back found. */
export interface Audit {
  readonly acknowledged: number;
  readonly found: number;
  readonly equal: number;
  /** Ids that are missing or differ, at most ten. */
  readonly wrong: readonly string[];
}

/** A small seeded generator (mulberry32), so that a failing run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Writers that put random episodes through the gateway and remember what was acknowledged. */
export class Load {
  readonly acknowledged = new Map<string, WrittenEpisode>();
  #mcp: Mcp;
  readonly #random: () => number;
  readonly #workers: Promise<void>[] = [];
  readonly #prefix: string;
  #stopping = false;
  #next = 0;
  /** Puts that were refused or timed out: nothing is claimed about them. */
  unacknowledged = 0;

  constructor(cluster: LoadTarget, seed: number, prefix = 'load') {
    this.#mcp = createMcp({ url: cluster.endpoints.mcp, apiKey: cluster.apiKey });
    this.#random = seededRandom(seed);
    this.#prefix = `${prefix}-${seed}`;
  }

  /** @param pauseMs what each worker waits after each put */
  start(workers = 4, pauseMs = 0): void {
    for (let worker = 0; worker < workers; worker++) this.#workers.push(this.#write(pauseMs));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#workers.splice(0));
    this.#stopping = false;
  }

  /** Waits until so many more episodes are acknowledged. @throws Error when that takes more than two minutes */
  async written(more: number): Promise<void> {
    const wanted = this.acknowledged.size + more;
    for (let waited = 0; this.acknowledged.size < wanted; waited++) {
      if (waited > 1_200) throw new Error(`no ${more} episodes were acknowledged within two minutes`);
      await sleep(100);
    }
  }

  /** Goes on with the same memory where it is now. */
  async moveTo(target: LoadTarget): Promise<void> {
    await this.#mcp.close();
    this.#mcp = createMcp({ url: target.endpoints.mcp, apiKey: target.apiKey });
  }

  /** Reads a random acknowledged episode; false when it is missing or differs. */
  async checkOne(): Promise<boolean> {
    const all = [...this.acknowledged.values()];
    const episode = all[Math.floor(this.#random() * all.length)];
    return episode === undefined || (await this.#isThere(episode)) === 'equal';
  }

  /** Reads every acknowledged episode back. */
  async audit(concurrency = 8): Promise<Audit> {
    const queue = [...this.acknowledged.values()];
    const wrong: string[] = [];
    let found = 0;
    let equal = 0;
    const reader = async () => {
      for (let episode = queue.pop(); episode !== undefined; episode = queue.pop()) {
        const state = await this.#isThere(episode);
        if (state !== 'missing') found++;
        if (state === 'equal') equal++;
        else if (wrong.length < 10) wrong.push(episode.id);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, reader));
    return { acknowledged: this.acknowledged.size, found, equal, wrong };
  }

  async close(): Promise<void> {
    await this.#mcp.close();
  }

  async #write(pauseMs: number): Promise<void> {
    while (!this.#stopping) {
      const episode = this.#randomEpisode();
      try {
        const { concepts, id } = episode;
        await this.#mcp('memory.put', { episodeBlob: { concepts }, id });
        this.acknowledged.set(id, episode);
        if (pauseMs > 0) await sleep(pauseMs);
      } catch {
        this.unacknowledged++;
        await sleep(100);
      }
    }
  }

  #randomEpisode(): WrittenEpisode {
    const concepts: Record<string, number> = {};
    // A few themes, so that there is something to learn, and noise.
    const theme = Math.floor(this.#random() * 20);
    for (let k = 0; k < 12; k++) {
      const topic =
        this.#random() < 0.7
          ? `theme-${theme}-${Math.floor(this.#random() * 15)}`
          : `noise-${Math.floor(this.#random() * 500)}`;
      concepts[topic] = Math.fround(0.05 + 0.95 * this.#random());
    }
    return { id: `${this.#prefix}-${this.#next++}`, concepts };
  }

  async #isThere(written: WrittenEpisode): Promise<'equal' | 'different' | 'missing'> {
    for (let attempt = 0; ; attempt++) {
      try {
        const { concepts } = await this.#mcp('memory.get', { id: written.id });
        const names = Object.keys(written.concepts);
        const same =
          names.length === Object.keys(concepts).length &&
          names.every((name) => Math.fround(concepts[name] ?? NaN) === written.concepts[name]);
        return same ? 'equal' : 'different';
      } catch (error) {
        if (isNotFound(error)) return 'missing';
        // The gateway or a service is being restarted: absence is only believed when a service says so.
        if (attempt === 60) throw error;
        await sleep(500);
      }
    }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && /not found|NOT_FOUND/i.test(error.message);
}
