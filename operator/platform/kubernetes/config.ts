import { z } from 'zod';
import { list, port } from '../../../services/common/config/config.js';
import { logLevels } from '../../../services/common/logger.js';

/** Environment of the operator on Kubernetes; the connection comes from KUBECONFIG or from the pod's service account. */
export const kubernetesEnvironment = z.object({
  /** Namespaces whose resources are run, comma-separated; all when empty. */
  WATCH_NAMESPACE: list.pipe(
    z.array(
      z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'expected names of namespaces, comma-separated'),
    ),
  ),
  POD_NAME: z.string().default('tori-operator'),
  /** Namespace of the lease; that of the connection when absent. */
  POD_NAMESPACE: z.string().optional(),
  LEASE_NAME: z.string().default('tori-operator'),
  /** How long a leader that says nothing is believed. */
  LEASE_SECONDS: z.coerce.number().int().min(3).max(600).default(15),
  METRICS_HOST: z.string().default('0.0.0.0'),
  METRICS_PORT: port.default(9096),
  /** Folder of kept samples. */
  STATE_DIR: z.string().default('/var/lib/tori'),
  /** Repository of the image that services run; its tag is `spec.version`. */
  TORI_IMAGE: z.string().default('ghcr.io/tori-memory/tori-memory'),
  TORI_REDIS_IMAGE: z.string().default('docker.io/library/redis:7.4-alpine'),
  /** Clusters that are reconciled at the same time. */
  WORKERS: z.coerce.number().int().min(1).max(64).default(4),
  LOG_LEVEL: z.enum(logLevels).default('info'),
});

export type KubernetesConfig = z.output<typeof kubernetesEnvironment>;
