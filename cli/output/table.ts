import Table from 'cli-table3';

const none = '';
const borderless = {
  top: none,
  'top-mid': none,
  'top-left': none,
  'top-right': none,
  bottom: none,
  'bottom-mid': none,
  'bottom-left': none,
  'bottom-right': none,
  left: none,
  'left-mid': none,
  mid: none,
  'mid-mid': none,
  right: none,
  'right-mid': none,
  middle: '   ',
};

/** Columns under upper-case headings without lines between them, as kubectl prints; numbers stand to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const numeric = headings.map((_, k) => rows.length > 0 && rows.every((row) => typeof row[k] === 'number'));
  const printed = new Table({
    head: headings.map((heading) => heading.toUpperCase()),
    chars: borderless,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: numeric.map((isNumber) => (isNumber ? 'right' : 'left')),
  });
  printed.push(...rows.map((row) => row.map(cell)));
  return printed
    .toString()
    .split('\n')
    .map((text) => text.trimEnd())
    .join('\n');
}

/** A number with three significant digits, unless it is whole. */
export function significant(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}

/** A share as a percentage. */
export function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

/** How long ago an instant was, in the largest unit: `5s`, `12m`, `3h`, `9d`. */
export function age(instant: string | number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - new Date(instant).getTime()) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function cell(value: string | number): string {
  return typeof value === 'number' ? significant(value) : value;
}
