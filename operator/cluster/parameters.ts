import type { RevisionTemplate } from '../api/rollout-status.js';
import type { ServiceName } from '../api/services-spec.js';
import type { TuningProfileSpec } from '../api/tuning-profile.js';
import { tunableParameters, type ParameterSource, type TunableParameter } from '../api/tuning-status.js';

/** Parameters of the memory; the tuner moves all but the last. */
export const parameterNames = [...tunableParameters, 'kclL1Strength'] as const;
export type ParameterName = (typeof parameterNames)[number];

interface Parameter {
  /** The service whose section of the spec names it. */
  readonly owner: ServiceName;
  /** Every service that reads it. */
  readonly readers: readonly ServiceName[];
  readonly variable: string;
  readonly default: number;
}

/** Where each parameter is written and read; defaults are those of the contract. */
export const parameterCatalogue: Readonly<Record<ParameterName, Parameter>> = {
  annealT0: { owner: 'sleep', readers: ['sleep'], variable: 'ANNEAL_T0', default: 2 },
  learningRate: { owner: 'sleep', readers: ['sleep'], variable: 'LEARNING_RATE', default: 0.01 },
  l1Strength: {
    owner: 'pruner',
    readers: ['pruner', 'sleep'],
    variable: 'PRUNE_L1_THRESHOLD',
    default: 0.001,
  },
  dmdRank: { owner: 'koopman', readers: ['koopman'], variable: 'DMD_RANK', default: 50 },
  kclL1Strength: { owner: 'koopman', readers: ['koopman'], variable: 'KCL_L1_STRENGTH', default: 0 },
};

/** A value with where it comes from. */
export interface EffectiveValue {
  readonly value: number;
  readonly source: ParameterSource;
}

export type EffectiveParameters = Readonly<Record<ParameterName, EffectiveValue>>;

/** Everything that may name a value for one track. */
export interface ParameterInputs {
  /** Template of the revision that the track runs: explicit parameters and environment. */
  readonly template: RevisionTemplate;
  readonly profile?: TuningProfileSpec;
  /** Values that the tuner holds; for a tuning canary those under trial. */
  readonly tuned: Readonly<Partial<Record<TunableParameter, number>>>;
}

/**
 * The values a track runs with. Precedence of the contract: a profile's pin, an explicit parameter in the cluster's
 * spec, the tuner, the profile's start, the environment, the default.
 */
export function effectiveParameters(inputs: ParameterInputs): EffectiveParameters {
  return {
    annealT0: effective('annealT0', inputs),
    learningRate: effective('learningRate', inputs),
    l1Strength: effective('l1Strength', inputs),
    dmdRank: effective('dmdRank', inputs),
    kclL1Strength: effective('kclL1Strength', inputs),
  };
}

function effective(name: ParameterName, { template, profile, tuned }: ParameterInputs): EffectiveValue {
  const { owner, readers, variable, default: fallback } = parameterCatalogue[name];
  const ofProfile = name === 'kclL1Strength' ? undefined : profile?.parameters[name];
  const candidates: readonly [ParameterSource, number | undefined][] = [
    ['Pin', ofProfile?.pin],
    ['Spec', template.services[owner]?.parameters[name]],
    ['Tuner', name === 'kclL1Strength' ? undefined : tuned[name]],
    ['Profile', ofProfile?.start],
    [
      'Environment',
      readers.map((reader) => numeric(template.services[reader]?.env[variable])).find(isNumber),
    ],
  ];
  const [source, value] = candidates.find(([, candidate]) => candidate !== undefined) ?? [
    'Default',
    fallback,
  ];
  return { source, value: value ?? fallback };
}

function isNumber(value: number | undefined): value is number {
  return value !== undefined;
}

/** A number written as text; any other text is left to the service, which refuses it by name. */
function numeric(text: string | undefined): number | undefined {
  const value = Number(text?.trim() === '' ? undefined : text);
  return Number.isFinite(value) ? value : undefined;
}
