import type {
  KoopmanLearnerServer,
  KoopmanParameters,
  ProcessActivationsRequest,
  SpectralMode,
} from '../../proto/gen/tori/memory/v1/koopman_learner_service.js';
import {
  decodeActivations,
  encodeActivations,
  encodeF32,
  encodeU32,
  sparseVector,
} from '../common/activations/activations.js';
import { invalidArgument, ServiceError } from '../common/errors.js';
import type { ParameterSet } from '../common/parameters/parameters.js';
import type { Handlers } from '../common/server/call.js';
import { tenantOf } from '../common/tenant.js';
import { angularFrequency, type Mode } from './domain/modes.js';
import { predictState } from './domain/predict.js';
import type { Learner } from './learner.js';
import type { Spectrum } from './spectrum.js';
import type { LearnerStore, SeriesEvent } from './store.js';

/** What the handlers work with. */
export interface HandlerOptions {
  readonly learner: Learner;
  readonly store: LearnerStore;
  readonly parameters: ParameterSet<'rank' | 'l1Strength'>;
}

/** Events of a stream that enter the bins in one transaction. */
const batchLimit = 256;

const beforeTheFirstFit = { concepts: 0, modes: 0, effectiveRank: 0, psiDriftRad: 0, fittedUnixMs: 0 };

/** The RPCs of KoopmanLearner. */
export function createHandlers({
  learner,
  store,
  parameters,
}: HandlerOptions): Handlers<KoopmanLearnerServer> {
  const spectrumOf = (request: { readonly tenant: string }): Spectrum => {
    const tenant = tenantOf(request);
    const spectrum = store.spectrum(tenant);
    if (spectrum !== undefined) return spectrum;
    throw new ServiceError(
      'FAILED_PRECONDITION',
      `tenant "${tenant}" has no modes yet: ${learner.obstacle(tenant)}`,
    );
  };
  return {
    async processActivations(requests) {
      const total = { accepted: 0, ignored: 0 };
      for await (const [tenant, events] of batches(requests)) {
        const { accepted, ignored } = await learner.add(tenant, events);
        total.accepted += accepted;
        total.ignored += ignored;
      }
      return total;
    },
    getSpectralModes(request) {
      const listed = limitOf('concepts_per_mode', request.conceptsPerMode, { most: 100, standard: 5 });
      const spectrum = spectrumOf(request);
      return {
        modes: spectrum.modes.map((mode) => wireMode(mode, spectrum, listed)),
        rank: spectrum.rank,
        effectiveRank: spectrum.effectiveRank,
        spectralRadius: spectrum.spectralRadius,
        psiDriftRad: spectrum.psiDriftRad ?? 0,
        binSeconds: spectrum.widthMs / 1000,
        snapshots: spectrum.snapshots,
      };
    },
    getCouplings(request) {
      const { couplings, orderParameter } = spectrumOf(request);
      return {
        couplings: couplings.map(({ to, from, strength }) => ({ toModeId: to, fromModeId: from, strength })),
        orderParameter,
      };
    },
    predict(request) {
      const { horizon } = request;
      if (horizon < 1 || horizon > 1000)
        throw invalidArgument('horizon', horizon, 'a whole number from 1 to 1000');
      const listed = limitOf('limit', request.limit, { most: 1000, standard: 20 });
      const spectrum = spectrumOf(request);
      return {
        bins: Array.from({ length: horizon }, (_, k) => ({
          timeUnixMs: (spectrum.newestBin + k + 1) * spectrum.widthMs,
          activations: encodeActivations(expected(spectrum, k + 1, listed)),
        })),
      };
    },
    getStatus(request) {
      const tenant = tenantOf(request);
      const summary = learner.summary(tenant);
      const cursor = store.cursor(tenant);
      if (summary === undefined)
        return { ...beforeTheFirstFit, snapshots: learner.filledBins(tenant), cursor };
      return {
        snapshots: summary.snapshots,
        concepts: summary.conceptCount,
        modes: summary.modeCount,
        effectiveRank: summary.effectiveRank,
        psiDriftRad: summary.psiDriftRad ?? 0,
        fittedUnixMs: summary.fittedUnixMs,
        cursor,
      };
    },
    getParameters: () => ({ parameters: wireParameters(parameters) }),
    updateParameters(request) {
      const before = parameters.values();
      const { rank, l1Strength } = parameters.update(request.parameters ?? {});
      if (rank !== before.rank || l1Strength !== before.l1Strength) learner.refitAll();
      return { parameters: wireParameters(parameters) };
    },
  };
}

function wireParameters(parameters: ParameterSet<'rank' | 'l1Strength'>): KoopmanParameters {
  return { ...parameters.values() };
}

/** Cuts a stream into runs of one tenant, checked. */
async function* batches(
  requests: AsyncIterable<ProcessActivationsRequest>,
): AsyncIterable<readonly [tenant: string, events: SeriesEvent[]]> {
  let batch: SeriesEvent[] = [];
  let current = '';
  for await (const request of requests) {
    const tenant = tenantOf(request);
    if (batch.length === batchLimit || (batch.length > 0 && tenant !== current)) {
      yield [current, batch];
      batch = [];
    }
    current = tenant;
    batch.push(eventOf(request));
  }
  if (batch.length > 0) yield [current, batch];
}

function eventOf({ eventId, timeUnixMs, activations }: ProcessActivationsRequest): SeriesEvent {
  const bytes = Buffer.byteLength(eventId);
  if (bytes < 1 || bytes > 256) throw invalidArgument('event_id', eventId, '1 to 256 bytes of UTF-8');
  if (eventId.includes('\0')) throw invalidArgument('event_id', eventId, 'text without NUL');
  return { eventId, timeUnixMs, ...decodeActivations(activations) };
}

function limitOf(
  field: string,
  value: number,
  { most, standard }: { most: number; standard: number },
): number {
  if (value > most) throw invalidArgument(field, value, `a whole number from 0 to ${most}`);
  return value === 0 ? standard : value;
}

function wireMode(mode: Mode, { widthMs, concepts }: Spectrum, listed: number): SpectralMode {
  const seconds = widthMs / 1000;
  const growthRate = Math.log(Math.hypot(mode.re, mode.im)) / seconds;
  const weights = mode.vectorRe.map((re, i) => Math.hypot(re, mode.vectorIm[i]!));
  const rows = largestRows(weights, listed);
  return {
    modeId: mode.id,
    eigenvalueRe: mode.re,
    eigenvalueIm: mode.im,
    frequencyHz: angularFrequency(mode) / (2 * Math.PI * seconds),
    growthRate,
    halfLifeS: growthRate < 0 ? Math.LN2 / -growthRate : undefined,
    amplitude: mode.amplitude,
    psiRad: mode.phase,
    residual: mode.residual,
    conceptIds: encodeU32(Uint32Array.from(rows, (row) => concepts[row]!)),
    conceptWeights: encodeF32(Float32Array.from(rows, (row) => weights[row]!)),
  };
}

/** The strongest positive activations expected so many bins ahead. */
function expected({ modes, concepts }: Spectrum, ahead: number, listed: number) {
  let state: Float64Array;
  try {
    state = predictState(modes, concepts.length, ahead);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ServiceError('FAILED_PRECONDITION', `horizon: ${error.message}`);
  }
  const rows = largestRows(state, listed).filter((row) => Math.fround(state[row]!) > 0);
  return sparseVector(rows.map((row) => [concepts[row]!, state[row]!]));
}

function largestRows(values: Float64Array, count: number): number[] {
  return Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count);
}
