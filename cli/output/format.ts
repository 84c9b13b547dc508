import { InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { line, type Terminal } from '../terminal.js';

/** How a result is printed. */
export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml';

/** The `-o` option of a command. */
export function outputOption(formats: readonly OutputFormat[] = ['table', 'json', 'yaml']): Option {
  return new Option('-o, --output <format>', 'how to print the result').choices(formats).default('table');
}

/** Prints a result: for programs as JSON or YAML, for people as the lines that `table` makes. */
export function print(
  { stdout }: Terminal,
  format: OutputFormat,
  result: unknown,
  table: () => string,
): void {
  if (format === 'json') line(stdout, JSON.stringify(result, undefined, 2));
  // kubectl reads YAML 1.1, in which a bare `Off` is a boolean.
  else if (format === 'yaml') stdout.write(stringify(result, { version: '1.1' }));
  else line(stdout, table());
}

/** A parser of whole numbers for options and arguments of commander. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() === '' || !Number.isInteger(number) || number < minimum || number > maximum) {
      throw new InvalidArgumentError(`Expected a whole number from ${minimum} to ${maximum}.`);
    }
    return number;
  };
}

/** A parser of numbers above 0. */
export function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError('Expected a number above 0.');
  return number;
}
