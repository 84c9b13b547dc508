import type { JobOutcome, ServingTrack, TrackFailure } from '../../lib/mcpClient/index.js';
import { CliError, exitCodes } from '../exit.js';
import { line, type Terminal } from '../terminal.js';

/** A run of a job on one track. */
interface Run {
  readonly track: ServingTrack;
  readonly state: JobOutcome;
  readonly error: string;
}

/** Tells of tracks that could not take part in an answer which the others gave. */
export function warnOfFailures(failures: readonly TrackFailure[], { stderr }: Terminal): void {
  for (const failure of failures) line(stderr, `warning: ${textOf(failure)}`);
}

/**
 * Ends the command when a track could not take part in a job, or its job failed.
 * @throws CliError with a line for each
 */
export function requireAllTracks(failures: readonly TrackFailure[], runs: readonly Run[]): void {
  const lines = [
    ...failures.map(textOf),
    ...runs
      .filter(({ state }) => state !== 'succeeded')
      .map(({ track, state, error }) => `${track}: ${state}${error === '' ? '' : `: ${error}`}`),
  ];
  if (lines.length > 0) throw new CliError(exitCodes.failure, lines.join('\n'));
}

function textOf({ track, code, message }: TrackFailure): string {
  return `${track}: ${code}: ${message}`;
}
