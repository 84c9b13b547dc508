import type { KclStatus, Mode } from '../../../lib/mcpClient/tools.js';
import type { SpectralMode } from '../../../proto/gen/tori/memory/v1/koopman_learner_service.js';
import { decodeF32, decodeU32 } from '../../common/activations/activations.js';
import type { ConceptDictionary } from '../../common/concepts/dictionary.js';
import { ServiceError } from '../../common/errors.js';
import { settings } from '../episodes/store.js';
import type { TrackPeers } from '../routing/peers.js';
import type { RequestContext } from '../routing/router.js';

const conceptsPerMode = 5;

/** Modes, couplings and health of one track's learner. A learner without a fit says what it is waiting for. */
export async function kclStatusOnTrack(peers: TrackPeers, context: RequestContext): Promise<KclStatus> {
  const { tenant } = context;
  const call = settings(context);
  try {
    const [spectrum, coupled] = await Promise.all([
      peers.koopman.getSpectralModes({ tenant, conceptsPerMode }, call),
      peers.koopman.getCouplings({ tenant }, call),
    ]);
    const dictionary = peers.dictionary(tenant);
    return {
      track: peers.track,
      fitted: true,
      reason: '',
      snapshots: spectrum.snapshots,
      rank: spectrum.rank,
      effectiveRank: spectrum.effectiveRank,
      spectralRadius: spectrum.spectralRadius,
      psiDriftRad: spectrum.psiDriftRad,
      modes: await Promise.all(spectrum.modes.map((mode) => named(mode, dictionary, context))),
      couplings: coupled.couplings.map(({ toModeId, fromModeId, strength }) => ({
        to: toModeId,
        from: fromModeId,
        strength,
      })),
      orderParameter: coupled.orderParameter,
    };
  } catch (thrown) {
    const error = ServiceError.from(thrown);
    if (error.code !== 'FAILED_PRECONDITION') throw error;
    return unfitted(peers, error.message, context);
  }
}

async function unfitted(peers: TrackPeers, reason: string, context: RequestContext): Promise<KclStatus> {
  const status = await peers.koopman.getStatus({ tenant: context.tenant }, settings(context));
  return {
    track: peers.track,
    fitted: false,
    reason,
    snapshots: status.snapshots,
    rank: 0,
    effectiveRank: status.effectiveRank,
    spectralRadius: 0,
    psiDriftRad: status.psiDriftRad,
    modes: [],
    couplings: [],
    orderParameter: 0,
  };
}

async function named(
  mode: SpectralMode,
  dictionary: ConceptDictionary,
  context: RequestContext,
): Promise<Mode> {
  const names = await dictionary.namesOf(decodeU32(mode.conceptIds, 'concept_ids'), settings(context));
  const weights = decodeF32(mode.conceptWeights, 'concept_weights');
  const { modeId, frequencyHz, growthRate, amplitude, psiRad, residual } = mode;
  return {
    modeId,
    frequencyHz,
    growthRate,
    ...(mode.halfLifeS !== undefined && { halfLifeSeconds: mode.halfLifeS }),
    amplitude,
    psiRad,
    residual,
    concepts: names.map((concept, k) => ({ concept, weight: weights[k]! })),
  };
}
