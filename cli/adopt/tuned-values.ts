import { tunableParameters, type TunableParameter } from '../../operator/api/tuning-status.js';
import type { Stored } from '../resources/access.js';

/** Values that the tuner holds and that have proved themselves: those on trial are not among them. */
export function tunedValues({ status }: Stored<'MemoryCluster'>): TunedValue[] {
  const { tuning } = status ?? {};
  if (tuning === undefined) return [];
  return tunableParameters.flatMap((name) => {
    const { source, value, origin, state } = tuning.parameters[name];
    if (source !== 'Tuner') return [];
    const proved = state.phase === 'OnTrial' ? state.trial.from : value;
    return proved === origin ? [] : [{ name, value: proved, origin, onTrial: state.phase === 'OnTrial' }];
  });
}

/** A value worth adopting. */
export interface TunedValue {
  readonly name: TunableParameter;
  readonly value: number;
  /** The value without the tuner. */
  readonly origin: number;
  /** Whether another value is on trial now, and this is the one before it. */
  readonly onTrial: boolean;
}
