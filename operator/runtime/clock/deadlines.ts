import { longestDelayMs, type Clock, type Timer } from './clock.js';

interface Deadline {
  readonly key: string;
  readonly at: number;
}

/**
 * Many deadlines behind one timer: a binary heap, the earliest on top. A deadline that was replaced or removed stays in
 * the heap until it comes up or until such leavings outnumber the rest.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #due: (key: string) => void;
  readonly #current = new Map<string, Deadline>();
  #heap: Deadline[] = [];
  #timer: Timer | undefined;
  #timerAt = Infinity;

  /** @param due called for each key whose time has come, never from within {@link set} */
  constructor(clock: Clock, due: (key: string) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#current.size;
  }

  /** When the key is due, on the clock's monotonic scale. */
  at(key: string): number | undefined {
    return this.#current.get(key)?.at;
  }

  /** Sets or replaces the key's deadline. */
  set(key: string, delayMs: number): void {
    const deadline = { key, at: this.#clock.monotonic() + Math.max(0, delayMs) };
    this.#current.set(key, deadline);
    this.#push(deadline);
    this.#compact();
    this.#arm();
  }

  delete(key: string): void {
    this.#current.delete(key);
  }

  clear(): void {
    this.#current.clear();
    this.#heap = [];
    this.#disarm();
  }

  #run(): void {
    this.#disarm();
    const now = this.#clock.monotonic();
    for (let top = this.#heap[0]; top !== undefined && top.at <= now; top = this.#heap[0]) {
      this.#pop();
      if (this.#current.get(top.key) !== top) continue;
      this.#current.delete(top.key);
      this.#due(top.key);
    }
    this.#arm();
  }

  #arm(): void {
    const top = this.#heap[0];
    if (top === undefined || this.#timerAt <= top.at) return;
    this.#disarm();
    this.#timerAt = top.at;
    const delay = Math.min(longestDelayMs, top.at - this.#clock.monotonic());
    this.#timer = this.#clock.after(delay, () => this.#run());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #compact(): void {
    if (this.#heap.length <= 64 || this.#heap.length <= 2 * this.#current.size) return;
    this.#heap = [...this.#current.values()].sort((a, b) => a.at - b.at);
  }

  #push(deadline: Deadline): void {
    const heap = this.#heap;
    let index = heap.push(deadline) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.at <= deadline.at) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = deadline;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (last.at <= heap[child]!.at) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
