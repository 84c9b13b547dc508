import { createHash } from 'node:crypto';

/** An episode with concepts by name: the form in which it can go from one vault to another. */
export interface NamedEpisode {
  readonly id: string;
  readonly timeUnixMs: number;
  readonly source: string;
  readonly meta: Readonly<Record<string, string>>;
  /** Activations as f32 values. */
  readonly concepts: ReadonlyMap<string, number>;
}

/** What an episode says, apart from its id; the time is part of it only where the writer gave one. */
export interface EpisodeContent {
  readonly timeUnixMs: number | undefined;
  readonly source: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly concepts: ReadonlyMap<string, number>;
}

/**
 * SHA-256 of the content in hexadecimal; the order of concepts and labels does not matter. Serves as the id of an episode
 * that was given none, so that the same content is stored once.
 */
export function contentDigest(content: EpisodeContent): string {
  const text = JSON.stringify([
    content.timeUnixMs ?? null,
    content.source,
    sorted(Object.entries(content.meta)),
    sorted([...content.concepts].map(([name, value]) => [name, Math.fround(value)] as const)),
  ]);
  return createHash('sha256').update(text).digest('hex');
}

/** True when two episodes say the same; times are left out of it where the writer gave none. */
export function sameContent(one: NamedEpisode, other: NamedEpisode, compareTimes: boolean): boolean {
  const content = (episode: NamedEpisode): EpisodeContent => ({
    ...episode,
    timeUnixMs: compareTimes ? episode.timeUnixMs : undefined,
  });
  return contentDigest(content(one)) === contentDigest(content(other));
}

/** The shortest decimal that is the same f32, so that 0.1 is read back as 0.1. */
export function shortestFloat32(value: number): number {
  const exact = Math.fround(value);
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(exact.toPrecision(digits));
    if (Math.fround(short) === exact) return short;
  }
  return Number(exact.toPrecision(9));
}

function sorted<T>(entries: readonly (readonly [string, T])[]): readonly (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
