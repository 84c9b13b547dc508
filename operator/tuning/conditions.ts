import type { Statement } from '../api/conditions.js';
import { tunableParameters } from '../api/tuning-status.js';
import type { Draft } from './draft.js';

/** Conditions that are true after an evaluation. */
export function tuningConditions(draft: Draft): Statement[] {
  return [stale(draft), frozen(draft), oscillating(draft)].filter((condition) => condition !== undefined);
}

function stale({ readings }: Draft): Statement | undefined {
  const reasons = [...readings.values()].flatMap((reading) =>
    reading.kind === 'missing' && reading.stale ? [reading.reason] : [],
  );
  if (reasons.length === 0) return undefined;
  return {
    type: 'MetricsStale',
    status: 'True',
    reason: 'NoFreshSamples',
    message: `Tuning holds the last values: ${[...new Set(reasons)].join('; ')}.`,
  };
}

function frozen({ input }: Draft): Statement | undefined {
  if (input.frozen === undefined) return undefined;
  return {
    type: 'TuningFrozen',
    status: 'True',
    reason: 'NotNow',
    message: `Nothing is tuned now: ${input.frozen}.`,
  };
}

function oscillating({ parameters }: Draft): Statement | undefined {
  const turning = tunableParameters.flatMap((parameter) => {
    const { state } = parameters[parameter];
    return state.phase === 'Oscillating' ? [`${parameter} until ${state.until}`] : [];
  });
  if (turning.length === 0) return undefined;
  return {
    type: 'TuningOscillates',
    status: 'True',
    reason: 'TooManyReversals',
    message: `Turned too often and left alone: ${turning.join(', ')}.`,
  };
}
