import { readMatrix } from '../../operator/metrics/prometheus/answer.js';
import { merged, type Recording } from '../../operator/simulation/recording.js';
import { CliError, exitCodes } from '../exit.js';
import { readText } from '../read-text.js';
import type { Terminal } from '../terminal.js';
import { parseTimedText } from './timed-text.js';

/**
 * Reads recorded samples: answers of the query API (`/api/v1/query_range`, or a range vector by `/api/v1/query`), OpenMetrics
 * text, or a dump of promtool. Several files are one recording.
 * @throws CliError that names the file
 */
export async function readRecording(files: readonly string[], terminal: Terminal): Promise<Recording> {
  const parts: Recording[] = [];
  for (const file of files) parts.push(recordingIn(await readText(file, terminal), file));
  return merged(parts.flat());
}

function recordingIn(text: string, file: string): Recording {
  const start = text.trimStart();
  // A dump of promtool begins with a brace as well, but no JSON begins with `{__name__`.
  if (!/^\{\s*"/.test(start)) return parseTimedText(text, file);
  try {
    return readMatrix({ status: 200, body: start });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(exitCodes.refused, `${file}: ${reason}`, { cause });
  }
}
