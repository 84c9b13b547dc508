const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** A length of time in its two largest units: `42s`, `3m10s`, `47h59m`, `8d2h`. */
export function span(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < minuteMs) return `${Math.floor(ms / 1000)}s`;
  if (ms < hourMs) return joined(Math.floor(ms / minuteMs), 'm', Math.floor((ms % minuteMs) / 1000), 's');
  if (ms < 3 * dayMs) return joined(Math.floor(ms / hourMs), 'h', Math.floor((ms % hourMs) / minuteMs), 'm');
  return joined(Math.floor(ms / dayMs), 'd', Math.floor((ms % dayMs) / hourMs), 'h');
}

/** An instant as people need it: `in 3h12m (2026-01-03T00:00:00Z)`, `2m ago`. */
export function relative(instant: string, now: number): string {
  const distance = Date.parse(instant) - now;
  return distance > 0 ? `in ${span(distance)} (${short(instant)})` : `${span(-distance)} ago`;
}

/** An RFC 3339 text without fractions of a second. */
export function short(instant: string): string {
  return instant.replace(/\.\d+/, '');
}

function joined(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${unit}` : `${large}${unit}${small}${smallUnit}`;
}
