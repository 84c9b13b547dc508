import { createHash } from 'node:crypto';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import type { TrackAddresses } from '../../operator/tracks/clients.js';
import { KoopmanLearnerService } from '../../proto/gen/tori/memory/v1/koopman_learner_service.js';
import { SleepSchedulerService } from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import { SparsePrunerService } from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';

/** Services that take the parameters they are given, for all clusters. */
export interface AnsweringServices {
  readonly port: number;
  stop(): void;
}

/** Serves on every address of loopback, so that each cluster has services of its own, and connections to them. */
export async function startServices(): Promise<AnsweringServices> {
  const server = new Server();
  const answer: handleUnaryCall<object, object> = (_, callback) => callback(null, {});
  for (const definition of [SleepSchedulerService, SparsePrunerService, KoopmanLearnerService]) {
    server.addService(definition, { getParameters: answer, updateParameters: answer });
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('0.0.0.0:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, stop: () => server.forceShutdown() };
}

/** Addresses of a cluster's services in 127.0.0.0/8. */
export function addressesOf(cluster: string, port: number): TrackAddresses {
  const [a = 0, b = 0] = createHash('sha256').update(cluster).digest();
  const at = (service: number) => `127.${a}.${b}.${service}:${port}`;
  return { vault: at(1), pruner: at(2), sleep: at(3), koopman: at(4) };
}
