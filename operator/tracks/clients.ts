import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import {
  KoopmanLearnerService,
  type KoopmanLearnerServer,
} from '../../proto/gen/tori/memory/v1/koopman_learner_service.js';
import {
  SleepSchedulerService,
  type SleepSchedulerServer,
} from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import {
  SparsePrunerService,
  type SparsePrunerServer,
} from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { connect, type ServiceClient } from '../../services/common/clients/client.js';
import type { TrackServices } from '../../services/common/shards/table.js';

/** Clients of the four services of one track. */
export interface TrackClients {
  readonly vault: ServiceClient<EpisodicVaultServer>;
  readonly pruner: ServiceClient<SparsePrunerServer>;
  readonly sleep: ServiceClient<SleepSchedulerServer>;
  readonly koopman: ServiceClient<KoopmanLearnerServer>;
  close(): void;
}

/** Both tracks of a cluster. */
export interface Tracks {
  readonly stable: TrackClients;
  readonly canary: TrackClients;
}

/** `host:port` of the services of a track, by the names that the shard table uses. */
export type TrackAddresses = Omit<TrackServices, 'revision'>;

/** Connects lazily to a track. */
export function connectTrack(at: TrackAddresses, token: string): TrackClients {
  const vault = connect<EpisodicVaultServer>(EpisodicVaultService, at.vault, { token });
  const pruner = connect<SparsePrunerServer>(SparsePrunerService, at.pruner, { token });
  const sleep = connect<SleepSchedulerServer>(SleepSchedulerService, at.sleep, { token });
  const koopman = connect<KoopmanLearnerServer>(KoopmanLearnerService, at.koopman, { token });
  return {
    vault,
    pruner,
    sleep,
    koopman,
    close() {
      for (const client of [vault, pruner, sleep, koopman]) client.close();
    },
  };
}
