/** Collects the figures of an acceptance run and tells at the end whether each holds. */
export class Report {
  readonly #failures: string[] = [];
  #checks = 0;

  section(title: string): void {
    console.log(`\n## ${title}`);
  }

  /** A figure that is told, not judged. */
  figure(name: string, value: string | number): void {
    console.log(`  ${name}: ${value}`);
  }

  /** A figure with a bar. */
  check(name: string, holds: boolean, value: string | number): void {
    this.#checks++;
    console.log(`  ${holds ? 'ok  ' : 'FAIL'} ${name}: ${value}`);
    if (!holds) this.#failures.push(name);
  }

  /** Prints the counts; returns the exit code. */
  close(): number {
    for (const failure of this.#failures) console.log(`failed: ${failure}`);
    console.log(`${this.#checks - this.#failures.length} passed, ${this.#failures.length} failed, 0 skipped`);
    return this.#failures.length === 0 ? 0 : 1;
  }
}
