/**
 * Starts a node for a person: `npm run node`. Prints the kubeconfig to use, and ends with everything in it on Ctrl-C.
 */
import { once } from 'node:events';
import { nodeMissing, startNode } from './node.js';

const missing = nodeMissing();
if (missing !== undefined) {
  console.error(`No node can be started here: ${missing}`);
  process.exit(1);
}
const node = await startNode();
node.load('tori', 'redis');
console.log(`export KUBECONFIG=${node.cluster.kubeconfig}`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await node.stop();
