import type { TrackClients } from './clients.js';

/** Parameters of a track that can change while it runs; absent ones are left as they are. */
export interface TrackParameters {
  readonly annealT0?: number;
  readonly learningRate?: number;
  readonly l1Strength?: number;
  readonly dmdRank?: number;
  readonly kclL1Strength?: number;
}

/**
 * Makes a running track use these values. Values that are in force already are not sent, because a learner refits on
 * every update.
 */
export async function pushParameters(
  track: TrackClients,
  wanted: TrackParameters,
  signal: AbortSignal,
): Promise<void> {
  const { annealT0, learningRate, l1Strength, dmdRank, kclL1Strength } = wanted;
  const { sleep, pruner, koopman } = track;
  const settings = { signal };
  const ofSleep = changes((await sleep.getParameters({}, settings)).parameters, {
    annealT0,
    learningRate,
    l1Strength,
  });
  if (ofSleep !== undefined) await sleep.updateParameters({ parameters: ofSleep }, settings);
  const ofPruner = changes((await pruner.getParameters({}, settings)).parameters, {
    l1Threshold: l1Strength,
  });
  if (ofPruner !== undefined) await pruner.updateParameters({ parameters: ofPruner }, settings);
  const wantedOfKoopman = { rank: dmdRank, l1Strength: kclL1Strength };
  const ofKoopman = changes((await koopman.getParameters({}, settings)).parameters, wantedOfKoopman);
  if (ofKoopman !== undefined) await koopman.updateParameters({ parameters: ofKoopman }, settings);
}

/** The wanted values that are not in force; undefined when all of them are. */
function changes<T extends object>(current: T | undefined, wanted: T): Partial<T> | undefined {
  const entries = Object.entries(wanted) as [keyof T, unknown][];
  const changed = entries.filter(([name, value]) => value !== undefined && current?.[name] !== value);
  return changed.length === 0 ? undefined : (Object.fromEntries(changed) as Partial<T>);
}
