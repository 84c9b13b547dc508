import { z } from 'zod';
import type { BatchAnswer, BatchCue } from '../lib/mcpClient/index.js';
import { conceptsOf } from '../services/common/text/concepts.js';
import { CliError, exitCodes } from './exit.js';
import type { Gateway } from './gateway.js';

/** Cues in one call: an answer comes within seconds, and progress can be shown. */
const cuesPerCall = 100;

const cueSchema = z
  .object({
    id: z.union([z.string(), z.number().transform(String)]),
    text: z.string().optional(),
    concepts: z.union([z.array(z.string()), z.record(z.string(), z.number().positive())]).optional(),
  })
  .refine(
    ({ text, concepts }) => (text === undefined) !== (concepts === undefined),
    'expected text or concepts',
  );

/** Faults that are told one by one: a file of another kind has one on every line. */
const faultsTold = 5;

/** Reads cues, a JSON object a line. @throws CliError naming the first lines that are none, and how many more there are */
export function parseCues(jsonl: string, file: string): BatchCue[] {
  const faults: string[] = [];
  const cues = jsonl.split('\n').flatMap((text, index) => {
    if (text.trim() === '') return [];
    const json = jsonOf(text);
    const { data, error } = cueSchema.safeParse(json);
    if (error === undefined) return [data];
    const reasons = error.issues.map(({ path, message }) => `${path.join('.') || 'line'}: ${message}`);
    faults.push(`${file}:${index + 1}: ${json === undefined ? 'not JSON' : reasons.join('; ')}`);
    return [];
  });
  if (faults.length > 0) throw new CliError(exitCodes.refused, firstOf(faults));
  return cues;
}

/**
 * Asks every cue and gives the answers in the order of the cues. A cue that says nothing, which the gateway would
 * refuse, has the empty answer.
 * @param onAnswered called with the number of cues answered so far
 */
export async function recallAll(
  { mcp, tenant }: Gateway,
  cues: readonly BatchCue[],
  { k, signal, onAnswered }: { k: number; signal: AbortSignal; onAnswered: (count: number) => void },
): Promise<BatchAnswer[]> {
  const answers: BatchAnswer[] = [];
  for (let start = 0; start < cues.length; start += cuesPerCall) {
    const asked = cues.slice(start, start + cuesPerCall);
    const speaking = asked.filter(saysSomething);
    const result =
      speaking.length === 0
        ? undefined
        : await mcp('memory.recall', { cues: speaking, k, tenant }, { signal });
    const given = result?.answers?.values();
    for (const cue of asked) {
      answers.push(
        (saysSomething(cue) ? given?.next().value : undefined) ?? { id: cue.id, results: [], completed: [] },
      );
    }
    onAnswered(answers.length);
  }
  return answers;
}

function firstOf(faults: readonly string[]): string {
  const more = faults.length - faultsTold;
  return [...faults.slice(0, faultsTold), ...(more > 0 ? [`and ${more} more lines`] : [])].join('\n');
}

function saysSomething({ text, concepts }: BatchCue): boolean {
  return text === undefined ? Object.keys(concepts ?? {}).length > 0 : conceptsOf(text).size > 0;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
