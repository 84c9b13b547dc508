import Table from 'cli-table3';
import type { ContenderResult, OperatorBenchResult } from './result.js';

/** Where a run took place. */
export interface Machine {
  readonly node: string;
  readonly cores: number;
  readonly processor: string;
}

/** A figure with what it has to be for our operator. */
interface Figure {
  readonly title: string;
  readonly target: string;
  readonly text: (result: ContenderResult) => string;
}

const mebibyte = 2 ** 20;

const figures: readonly Figure[] = [
  {
    title: 'resources × children',
    target: '',
    text: ({ resources, childrenEach }) => `${resources} × ${childrenEach}`,
  },
  {
    title: 'all children there after, s',
    target: '',
    text: ({ createSeconds }) => createSeconds.toFixed(1),
  },
  {
    title: 'children a second',
    target: '≥ 400',
    text: ({ objectsPerSecond }) => objectsPerSecond.toFixed(0),
  },
  {
    title: 'the same children by plain apply, a second',
    target: '',
    text: ({ plainPerSecond }) => plainPerSecond.toFixed(0),
  },
  {
    title: 'requests a second at rest',
    target: '≤ 1',
    text: ({ rest }) => rest.requestsPerSecond.toFixed(2),
  },
  {
    title: 'writes at rest, without the lease',
    target: '0',
    text: ({ rest }) => String(rest.requests.writes),
  },
  {
    title: 'CPU seconds a minute at rest',
    target: '≤ 0.5',
    text: ({ rest }) => rest.cpuSecondsPerMinute.toFixed(2),
  },
  {
    title: 'resident memory at rest, MiB',
    target: '≤ 150',
    text: ({ rest }) => (rest.residentBytes / mebibyte).toFixed(0),
  },
  {
    title: 'most resident memory, MiB',
    target: '',
    text: ({ rest }) => (rest.peakBytes / mebibyte).toFixed(0),
  },
  {
    title: 'requests a resource when nothing has changed',
    target: '0',
    text: ({ touched }) => touched.requestsPerResource.toFixed(2),
  },
];

/** The table for a terminal. */
export function printedTable({ contenders }: OperatorBenchResult): string {
  const names = contenders.map(({ name }) => name);
  const table = new Table({ head: ['', ...names, 'target'], style: { head: [], border: [] } });
  table.push(...figures.map((figure) => rowOf(figure, contenders)));
  return table.toString();
}

/** The run as a page. */
export function markdownOf(result: OperatorBenchResult, machine: Machine): string {
  const { kubernetes, contenders } = result;
  const head = ['', ...contenders.map(({ name, version }) => `${name} ${version}`), 'target'];
  const rows = figures.map((figure) => rowOf(figure, contenders));
  const [first] = contenders;
  return `# What the operator costs

Written by \`npm run bench -- operator\`: ${first?.resources ?? 0} resources each for Flagger and for TORI Memory, one after the other on one
kube-apiserver ${kubernetes} with etcd, without controllers and nodes. That workloads are ready is said by the benchmark, once all
children are there.

${markdownTable(head, rows)}

A child is an object that the operator makes for a resource before any workload is ready: for a Canary ${childrenOf(contenders, 'Flagger')} (a Deployment and
Services; the Deployment it watches was there before), for a MemoryCluster ${childrenOf(contenders, 'TORI Memory')}. The clock runs from the first \`apply\` of
all but one of the resources until the last child is there; the one before shows how many there are. Plain apply is the
same objects once more, applied 16 at a time by a client that watches and decides nothing: what the API server gives on these
cores. What was made for one is deleted, and the API server started anew, before the next begins. Requests are those that the
API server wrote into its audit log for the operator's user agent. The last line counts requests after an annotation of every
resource has changed, which asks for nothing.

## At rest

${contenders.map(restOf).join('\n')}

## How it was measured

- ${machine.cores} cores (${machine.processor}), Node ${machine.node}. The API server and etcd run on the same cores, with GOGC=1600.
${contenders.map(({ name, rest }) => `- ${name}: ${rest.seconds.toFixed(0)} s of rest, load of the machine ${rest.load.toFixed(1)} in the middle of them.`).join('\n')}
- Flagger for Kubernetes without a mesh (\`-mesh-provider=kubernetes\`), without a metrics server, and with canaries of \`interval: 1m\`.
- MemoryClusters without a TuningProfile: no metrics are read while no canary runs. With one, every pod is scraped each 15 seconds.
`;
}

function rowOf({ title, target, text }: Figure, contenders: readonly ContenderResult[]): string[] {
  return [title, ...contenders.map(text), target];
}

function childrenOf(contenders: readonly ContenderResult[], wanted: string): string {
  const found = contenders.find(({ name }) => name === wanted);
  return found === undefined ? 'some' : String(found.childrenEach);
}

function restOf({ name, rest }: ContenderResult): string {
  const { total, leases, byKind } = rest.requests;
  const kinds = Object.entries(byKind)
    .slice(0, 8)
    .map(([kind, count]) => `${count} \`${kind}\``);
  return `- ${name}: ${total} requests in ${rest.seconds.toFixed(0)} s, of which ${leases} renewed the lease: ${kinds.join(', ')}.`;
}

/** Padded as Prettier pads. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, k) => Math.max(3, title.length, ...rows.map((row) => row[k]!.length)));
  const cell = (text: string, k: number) => (k === 0 ? text.padEnd(widths[k]!) : text.padStart(widths[k]!));
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  const rule = widths.map((width, k) => (k === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
