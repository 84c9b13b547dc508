import { runKubernetes } from '../../operator/platform/kubernetes/run.js';
import { bookedAddresses } from './stand-in/address-book.js';

/** The operator as a process, with the addresses of the stand-in node in the place of cluster DNS. */
await runKubernetes(process.env, { addresses: bookedAddresses(process.env['ADDRESS_BOOK'] ?? '') });
process.exit(0);
