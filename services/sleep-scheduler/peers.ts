import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import {
  SparsePrunerService,
  type SparsePrunerServer,
} from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { connect, type ServiceClient } from '../common/clients/client.js';

/** The services that a sleep reads from and commits to. */
export interface Peers {
  readonly vault: ServiceClient<EpisodicVaultServer>;
  readonly pruner: ServiceClient<SparsePrunerServer>;
  close(): void;
}

/** Connects lazily. */
export function connectPeers(vaultAddress: string, prunerAddress: string, token: string): Peers {
  const vault = connect<EpisodicVaultServer>(EpisodicVaultService, vaultAddress, { token });
  const pruner = connect<SparsePrunerServer>(SparsePrunerService, prunerAddress, { token });
  return {
    vault,
    pruner,
    close() {
      vault.close();
      pruner.close();
    },
  };
}
