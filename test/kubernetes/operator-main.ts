import { runKubernetes } from '../../operator/platform/kubernetes/run.js';
import { bookedAddresses } from './stand-in/address-book.js';

const { ADDRESS_BOOK = '', WATCH_SECONDS } = process.env;

/** Watches that end often, and that are given up soon when they are silent for longer: for tests that stall them. */
function shortWatches(seconds: number) {
  return {
    watchSeconds: seconds,
    silenceMs: seconds * 2_500,
    backoff: { initialMs: 200, maxMs: 3_000 },
  };
}

/** The operator as a process, with the addresses of the stand-in node in the place of cluster DNS. */
await runKubernetes(process.env, {
  addresses: bookedAddresses(ADDRESS_BOOK),
  ...(WATCH_SECONDS !== undefined && { watches: shortWatches(Number(WATCH_SECONDS)) }),
});
process.exit(0);
