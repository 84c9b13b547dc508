import { clusterAddresses } from '../../operator/platform/kubernetes/addresses.js';
import { runKubernetes } from '../../operator/platform/kubernetes/run.js';
import { addressesOf } from './services.js';

/** The operator as a process, with the services of the benchmark in the place of those that no node runs here. */
await runKubernetes(process.env, {
  addresses: {
    ...clusterAddresses,
    track: ({ metadata }) => addressesOf(metadata.name, Number(process.env['BENCH_SERVICES_PORT'])),
  },
});
process.exit(0);
