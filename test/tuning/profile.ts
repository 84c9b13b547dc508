import { Duration } from '../../operator/api/duration.js';
import type { TuningProfileSpec } from '../../operator/api/tuning-profile.js';
import type { TuningRule } from '../../operator/api/tuning-rules.js';
import { validateManifest } from '../../operator/api/validate.js';
import type { Random } from '../../services/common/network/random.js';

/** The spec of a TuningProfile, checked and with its defaults. @throws Error with the first problem */
export function profileOf(spec: object): TuningProfileSpec {
  const result = validateManifest({
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'TuningProfile',
    metadata: { name: 'plant' },
    spec,
  });
  if (!result.ok) {
    const [{ path, reason } = { path: '', reason: '' }] = result.problems;
    throw new Error(`${path}: ${reason}`);
  }
  return result.resource.spec as TuningProfileSpec;
}

/** The default rules at minutes instead of days, with random cool-downs and hold times, everything in Auto. */
export function plantProfile(random: Random): TuningProfileSpec {
  const minutes = (low: number, high: number) =>
    Duration.ofMilliseconds(60_000 * Math.floor(low + (high - low) * random())).toString();
  const { rules } = profileOf({});
  return profileOf({
    mode: 'Auto',
    rateLimit: { changes: 60, per: '10h' },
    rules: rules.map((rule): TuningRule => ({
      ...rule,
      window: '36m',
      minSamples: Math.min(rule.minSamples, 8),
      for: rule.for === '0s' ? '0s' : minutes(2, 10),
      coolDown: minutes(5, 30),
    })),
  });
}
