import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { Labels, Sample } from '../samples/series.js';

/** A series as it is kept on disk. */
export interface StoredSeries {
  readonly metric: string;
  readonly labels: Labels;
  readonly samples: readonly Sample[];
}

/** Columns, because two short arrays are a third of the bytes of objects. Times in epoch milliseconds. */
const fileSchema = z.object({
  version: z.literal(1),
  series: z.array(
    z
      .object({
        metric: z.string(),
        labels: z.record(z.string(), z.string()),
        at: z.array(z.number()),
        values: z.array(z.number()),
      })
      .refine(({ at, values }) => at.length === values.length, 'times and values differ in length'),
  ),
});

/**
 * Reads the file. Samples are evidence, not data: a file that is damaged or of another version is left behind, with a
 * word to `onLost`, and everything begins anew.
 */
export async function readSampleFile(
  path: string,
  onLost: (reason: string) => void,
): Promise<StoredSeries[]> {
  try {
    const { series } = fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return series.map(({ metric, labels, at, values }) => ({
      metric,
      labels,
      samples: at.map((instant, index) => ({ at: instant, value: values[index]! })),
    }));
  } catch (error) {
    if (!isMissing(error)) onLost(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

/** Writes the file atomically; the oldest samples are left out until it fits. */
export async function writeSampleFile(
  path: string,
  series: readonly StoredSeries[],
  maxBytes: number,
): Promise<void> {
  let kept = series;
  let text = encode(kept);
  for (let from = oldest(kept); bytesOf(text) > maxBytes && from < Infinity; from = oldest(kept)) {
    // The share that is too much, of the time span, and a little more.
    const span = newest(kept) - from;
    const cut = from + Math.max(1, span * Math.min(1, (1 - maxBytes / bytesOf(text)) * 1.05));
    kept = kept
      .map((one) => ({ ...one, samples: one.samples.filter(({ at }) => at > cut) }))
      .filter(({ samples }) => samples.length > 0);
    text = encode(kept);
  }
  await writeFileAtomic(path, text);
}

function encode(series: readonly StoredSeries[]): string {
  return JSON.stringify({
    version: 1,
    series: series.map(({ metric, labels, samples }) => ({
      metric,
      labels,
      at: samples.map(({ at }) => at),
      values: samples.map(({ value }) => value),
    })),
  } satisfies z.input<typeof fileSchema>);
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

function oldest(series: readonly StoredSeries[]): number {
  return Math.min(...series.map(({ samples }) => samples[0]?.at ?? Infinity));
}

function newest(series: readonly StoredSeries[]): number {
  return Math.max(...series.map(({ samples }) => samples.at(-1)?.at ?? -Infinity));
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
