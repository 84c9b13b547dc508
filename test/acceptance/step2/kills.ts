import { isDeepStrictEqual } from 'node:util';
import { moments } from '../../kubernetes/kill-proxy.js';
import { stories } from '../../kubernetes/kills.js';
import type { Report } from '../report.js';

/**
 * The operator is killed (`kill -9`) at every transition of rollout and tuning: before the status is stored, when it is
 * stored and the operator does not know, and right before it carries out what it has stored. Each time the same story comes
 * out as with an operator that is never killed: the same states in the same order, the same end. STORY names one of them.
 */
export async function kills(report: Report): Promise<void> {
  const only = process.env['STORY'];
  for (const [name, tell] of Object.entries(stories)) {
    if (only !== undefined && only !== name) continue;
    const undisturbed = await tell(() => undefined);
    report.figure(`states of "${name}"`, undisturbed.states.join(' → '));
    for (const moment of moments) {
      const killed = await tell(() => moment);
      const what = `${name}, killed ${moment}`;
      report.check(`${what}: kills`, killed.kills.length >= 5, killed.kills.length);
      report.check(
        `${what}: no state skipped or repeated`,
        isDeepStrictEqual(killed.states, undisturbed.states),
        killed.states.join(' → '),
      );
      report.check(
        `${what}: same end`,
        isDeepStrictEqual(killed.end, undisturbed.end),
        JSON.stringify(killed.end),
      );
    }
  }
}
