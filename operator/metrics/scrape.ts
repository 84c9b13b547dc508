import { ServiceError } from '../../services/common/errors.js';
import { parseExposition, type ExposedSample } from './exposition.js';

/** A `/metrics` page to read. */
export interface ScrapeTarget {
  readonly service: string;
  /** Absent for what serves both tracks; its series then carry the track that their own label names. */
  readonly track?: 'stable' | 'canary';
  /**
   * Tells replicas of one service apart: their counters must not be read as one. Absent for what has a single writer, whose
   * next process goes on where the last one ended.
   */
  readonly instance?: string;
  readonly url: string;
}

/** What one target answered. */
export type ScrapeResult =
  | { readonly target: ScrapeTarget; readonly samples: readonly ExposedSample[] }
  | { readonly target: ScrapeTarget; readonly error: ServiceError };

/** All targets, read at one instant. */
export interface ScrapeRound {
  /** Epoch milliseconds, the same for all, so that a gauge of one service can be read by the cycles of another. */
  readonly at: number;
  readonly results: readonly ScrapeResult[];
}

interface ScrapeOptions {
  readonly now: () => number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Reads all targets at once. A target that fails has an error in its place and does not hold up the others. */
export async function scrapeRound(
  targets: readonly ScrapeTarget[],
  { now, timeoutMs, signal }: ScrapeOptions,
): Promise<ScrapeRound> {
  const at = now();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const results = await Promise.all(
    targets.map(async (target): Promise<ScrapeResult> => {
      try {
        return { target, samples: await scrape(target, limit) };
      } catch (error) {
        return { target, error: ServiceError.from(error) };
      }
    }),
  );
  return { at, results };
}

async function scrape(target: ScrapeTarget, signal: AbortSignal): Promise<readonly ExposedSample[]> {
  const response = await fetch(target.url, { signal, headers: { accept: 'text/plain;version=0.0.4' } });
  if (!response.ok) {
    throw new ServiceError('UNAVAILABLE', `${target.url}: answered ${response.status}; expected 200`);
  }
  const samples = parseExposition(await response.text()).flatMap((family) => family.samples);
  checkTrack(target, samples);
  return samples;
}

/** A process of the other track on this port, left over or mistaken, must not speak for this one. */
function checkTrack(target: ScrapeTarget, samples: readonly ExposedSample[]): void {
  if (target.track === undefined) return;
  const other = samples.find(({ labels }) => (labels['track'] ?? target.track) !== target.track);
  if (other === undefined) return;
  throw new ServiceError(
    'FAILED_PRECONDITION',
    `${target.url}: ${other.name} is of track ${other.labels['track'] ?? ''}; expected ${target.track}`,
  );
}
