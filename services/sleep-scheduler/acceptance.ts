import type { LearnOutcome } from './domain/learn-types.js';

/** How much completion may fall by chance alone: the standard error on a held-out share of a hundred episodes. */
const completionSlack = 0.01;

/**
 * Whether what was learned may be committed: the held-out episodes must lie lower in energy and be completed no worse.
 * @returns the reason of a refusal, or undefined
 */
export function refusalOf(outcome: LearnOutcome): string | undefined {
  const { energyBefore, energyAfter, completionBefore, completionAfter } = outcome;
  if (![energyBefore, energyAfter, completionBefore, completionAfter].every(Number.isFinite)) {
    return 'the result is not finite';
  }
  if (energyAfter > energyBefore) {
    return `energy of held-out episodes rose from ${energyBefore.toPrecision(4)} to ${energyAfter.toPrecision(4)}`;
  }
  if (completionAfter < completionBefore - completionSlack) {
    return `completion of held-out episodes fell from ${completionBefore.toFixed(3)} to ${completionAfter.toFixed(3)}`;
  }
  return undefined;
}
