import { fitAmplitudes, type Amplitudes } from './amplitudes.js';
import { complexMatrix, solveHermitian, type ComplexMatrix } from './complex.js';
import { decompose, type Decomposition } from './dmd.js';
import { orderParameter, regressCouplings, type OscillatorCoupling } from './kuramoto.js';
import { modeProducts, type ModeProducts } from './mode-products.js';
import { activePlaces, buildMode, type Mode } from './modes.js';
import type { SnapshotWindow } from './snapshot-window.js';
import { newestStretch, stepsOf } from './time-axis.js';

/** What a fit is asked for. */
export interface FitOptions {
  /** DMD rank r. */
  readonly rank: number;
  /** Share of the penalty that removes every mode; see {@link fitAmplitudes}. */
  readonly sparsity: number;
  /** Bin index of each snapshot of the window, ascending; gaps are steps that were not observed. */
  readonly bins: readonly number[];
}

/** Modes and couplings of one window. */
export interface WindowFit {
  /** Strongest first; not matched yet, so without ids. */
  readonly modes: readonly Mode[];
  /** Between the modes at these places of `modes`, in radians per step. */
  readonly couplings: readonly OscillatorCoupling[];
  /** Agreement of the phases of the coupled modes at the newest snapshot, 0 to 1. */
  readonly orderParameter: number;
  readonly effectiveRank: number;
  readonly recommendedRank: number;
  /** Largest |λ|, over all eigenvalues. */
  readonly spectralRadius: number;
}

/** Oscillators whose couplings are estimated: more than the window's few hundred steps can tell apart help nobody. */
const mostOscillators = 8;
/** A modal coordinate below this share of its largest value has no phase. */
const atRest = 1e-9;

/**
 * Fits a window. Yields between stages, so that a caller can let others run; no stage holds the thread much longer than the
 * m × m eigenproblem.
 * @throws DecompositionError when the data do not allow a fit
 */
export function* fitWindow(window: SnapshotWindow, options: FitOptions): Generator<void, WindowFit> {
  const { bins, rank, sparsity } = options;
  const gram = window.gram();
  const steps = stepsOf(bins);
  const decomposition = yield* decompose(gram, { rank, steps, debias: true });
  yield;
  const products = modeProducts(gram, decomposition);
  yield;
  const amplitudes = fitAmplitudes(decomposition, products, newestStretch(bins), sparsity);
  const places = activePlaces(decomposition, amplitudes);
  const modes: Mode[] = [];
  for (const place of places) {
    yield;
    modes.push(buildMode(window, decomposition, amplitudes, place));
  }
  yield;
  return {
    modes,
    ...coupleModes({ decomposition, products, amplitudes, steps }, places),
    effectiveRank: decomposition.effectiveRank,
    recommendedRank: decomposition.recommendedRank,
    spectralRadius: Math.max(...decomposition.re.map((re, j) => Math.hypot(re, decomposition.im[j]!))),
  };
}

interface Fitted {
  readonly decomposition: Decomposition;
  readonly products: ModeProducts;
  readonly amplitudes: Amplitudes;
  readonly steps: readonly number[];
}

/** Couplings between the strongest oscillating modes, from the phases of their coordinates along the window. */
function coupleModes(
  fitted: Fitted,
  places: readonly number[],
): Pick<WindowFit, 'couplings' | 'orderParameter'> {
  const { re, im } = fitted.decomposition;
  const oscillators = Array.from(places.keys())
    .filter((index) => im[places[index]!]! > 0)
    .slice(0, mostOscillators);
  const coordinates = modalCoordinates(fitted);
  const phases = oscillators.map((index) => phasesOf(coordinates, places[index]!));
  const frequencies = oscillators.map((index) => Math.atan2(im[places[index]!]!, re[places[index]!]!));
  const couplings = regressCouplings({ phases, frequencies, steps: fitted.steps });
  return {
    couplings: couplings.map(({ to, from, strength }) => ({
      to: oscillators[to]!,
      from: oscillators[from]!,
      strength,
    })),
    orderParameter: orderParameter(phases.map((series) => series.at(-1)!)),
  };
}

/** Least-squares coordinates of every snapshot in the active modes: r × m, zero rows for the others. */
function modalCoordinates({ products, amplitudes }: Fitted): ComplexMatrix {
  const { onModes, onSnapshots } = products;
  const masked = complexMatrix(onModes.rows, onModes.columns);
  const active = Array.from(amplitudes.strength.keys()).filter((j) => amplitudes.strength[j]! > 0);
  for (const j of active) {
    for (const l of active) {
      const place = j * onModes.columns + l;
      masked.re[place] = onModes.re[place]!;
      masked.im[place] = onModes.im[place]!;
    }
  }
  return solveHermitian(masked, onSnapshots);
}

function phasesOf({ columns, re, im }: ComplexMatrix, row: number): Float64Array {
  const place = (k: number) => row * columns + k;
  const size = (k: number) => Math.hypot(re[place(k)]!, im[place(k)]!);
  const largest = Array.from({ length: columns }, (_, k) => size(k)).reduce((a, b) => Math.max(a, b), 0);
  return Float64Array.from({ length: columns }, (_, k) =>
    size(k) > atRest * largest ? Math.atan2(im[place(k)]!, re[place(k)]!) : Number.NaN,
  );
}
