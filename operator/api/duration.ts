import { string } from './schema.js';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const part = /([0-9]+)(ms|s|m|h)/g;

/**
 * A length of time, so that milliseconds and seconds cannot be mixed up.
 * Its text is Go's (what `kubectl` users write and what CEL's `duration()` reads): `90s`, `1h30m`, `48h`.
 */
export class Duration {
  readonly milliseconds: number;

  private constructor(milliseconds: number) {
    this.milliseconds = milliseconds;
  }

  static ofMilliseconds(milliseconds: number): Duration {
    return new Duration(milliseconds);
  }

  /** Parses a text that `durationText()` accepted. @throws RangeError for any other text */
  static parse(text: string): Duration {
    if (!new RegExp(durationPattern).test(text)) {
      throw new RangeError(`"${text}" is not a duration such as 90s, 1h30m or 48h`);
    }
    const parts = [...text.matchAll(part)];
    return new Duration(parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit!]!, 0));
  }

  /** The instant this much after another, both as RFC 3339 texts or Dates. */
  after(instant: Date | string): Date {
    return new Date(new Date(instant).getTime() + this.milliseconds);
  }

  /** The shortest exact text: `48h`, `1h30m`, `500ms`, `0s`. */
  toString(): string {
    let rest = this.milliseconds;
    let text = '';
    for (const unit of ['h', 'm', 's', 'ms']) {
      const count = Math.floor(rest / unitMs[unit]!);
      rest -= count * unitMs[unit]!;
      if (count > 0) text += `${count}${unit}`;
    }
    return text === '' ? '0s' : text;
  }
}

/** Pattern of a duration in a manifest. */
const durationPattern = '^([0-9]+(ms|s|m|h))+$';

/** Schema of a duration in a manifest, such as `48h`. */
export function durationText(description: string) {
  return string({ description, pattern: durationPattern, maxLength: 32 });
}
