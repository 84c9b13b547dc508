import {
  tunableParameters,
  type ParameterTuning,
  type TunableParameter,
  type TuningStatus,
} from '../../operator/api/tuning-status.js';
import { significant } from '../output/table.js';
import { relative } from '../output/time.js';
import { columns, type Branch } from '../output/tree.js';
import type { Stored } from '../resources/access.js';
import type { View } from './view.js';

/** The effective value of each parameter, where it comes from, and where its tuning stands. */
export function tuningBranch(
  cluster: Stored<'MemoryCluster'>,
  profile: Stored<'TuningProfile'> | undefined,
  view: View,
): Branch[] {
  const wanted = cluster.spec.tuningProfileRef?.name;
  if (wanted === undefined) return [{ text: 'tuning  none: spec.tuningProfileRef is not set' }];
  if (profile === undefined) return [{ text: `tuning  none: there is no TuningProfile ${wanted}` }];
  const { mode, scope } = profile.spec;
  const text = `tuning  profile ${wanted}, mode ${mode}${scope === 'Stable' ? '' : `, ${scope}`}`;
  const { tuning } = cluster.status ?? {};
  if (tuning === undefined) return [{ text: `${text}; not evaluated yet` }];
  const rows = tunableParameters.map((name) => row(name, tuning, { profileMode: mode, view }));
  return [{ text, children: columns(rows).map((one) => ({ text: one })) }];
}

interface Drawing {
  readonly profileMode: string;
  readonly view: View;
}

function row(name: TunableParameter, tuning: TuningStatus, { profileMode, view }: Drawing): string[] {
  const { value, source, origin, mode } = tuning.parameters[name];
  const from = source === 'Tuner' ? `Tuner, from ${significant(origin)}` : source;
  const own = mode === profileMode ? '' : `  mode ${mode}`;
  return [name, significant(value), `(${from})`, `${standing(tuning.parameters[name], view)}${own}`];
}

/** Where a parameter stands, in a few words. */
export function standing({ state }: Pick<ParameterTuning, 'state'>, { now }: Pick<View, 'now'>): string {
  switch (state.phase) {
    case 'Off':
    case 'Watching':
      return state.phase;
    case 'Held':
      return `Held by ${state.by === 'Pin' ? 'a pin of the profile' : 'the spec of the cluster'}`;
    case 'Proposed': {
      const { id, from, to, confidence, expiresAt } = state.proposal;
      const change = `${significant(from)} → ${significant(to)}`;
      return `Proposed ${id}: ${change}, confidence ${significant(confidence)}, expires ${relative(expiresAt, now)}`;
    }
    case 'OnTrial':
    case 'OnCanary': {
      const { from, to, rule, startedAt } = state.trial;
      return `${state.phase} ${significant(from)} → ${significant(to)} by ${rule}, begun ${relative(startedAt, now)}`;
    }
    case 'CoolingDown':
    case 'Oscillating':
      return `${state.phase}, ends ${relative(state.until, now)}`;
  }
}
