import { startNode } from './node.js';
const t = Date.now();
const node = await startNode();
console.log('READY', Date.now() - t, node.cluster.kubeconfig, JSON.stringify(node.machine.network));
process.once('SIGTERM', () => { void node.stop().then(() => { console.log('stopped'); process.exit(0); }); });
setInterval(() => undefined, 1000);
