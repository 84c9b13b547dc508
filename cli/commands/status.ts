import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { Duration } from '../../operator/api/duration.js';
import type { CommandContext } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { outputOption, print, type OutputFormat } from '../output/format.js';
import type { ResourceAccess, Stored } from '../resources/access.js';
import { profileOf, requireCluster } from '../resources/find.js';
import { clusterTree } from '../status/cluster-tree.js';
import { legalNow, nextOf } from '../status/next.js';
import { goals, outcomeOf, type Goal, type Outcome } from '../status/outcome.js';
import { summary } from '../status/summary.js';
import { line } from '../terminal.js';

interface StatusOptions {
  readonly watch?: boolean;
  readonly timeout?: Duration;
  readonly for: Goal;
  readonly output: OutputFormat;
  readonly allNamespaces?: boolean;
}

const help = `
With --timeout the command waits until the present spec has an outcome, for pipelines:
  0   --for promoted: the wanted revision serves every key; --for ready: Ready is True
  10  it has failed and waits for a person (Stalled), or the spec is refused
  11  the wanted revision was rolled back
  12  no outcome in time
Without it the exit code is 0 whatever the state.`;

/** `status [CLUSTER]`: where a cluster is and what comes next, once, continuously, or until it is decided. */
export function registerStatus(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .description('show a cluster as a tree: tracks, step, verdict, tuning, and what happens next')
    .argument('[cluster]', 'MemoryCluster; all of them when left out')
    .option('-w, --watch', 'draw it again at every change')
    .option('--timeout <duration>', 'wait for an outcome for so long, such as 30m or 72h', duration)
    .addOption(new Option('--for <goal>', 'what --timeout waits for').choices(goals).default('promoted'))
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
    .addHelpText('after', help)
    .action((name: string | undefined, options: StatusOptions) => status(name, options, context));
  if (context.namespaces) command.option('-A, --all-namespaces', 'clusters of every namespace');
}

async function status(
  name: string | undefined,
  options: StatusOptions,
  context: CommandContext,
): Promise<void> {
  const everywhere = options.allNamespaces === true;
  if (everywhere && (name !== undefined || follows(options))) {
    throw new CliError(
      exitCodes.usage,
      '-A lists every cluster; it goes without a name, --watch and --timeout',
    );
  }
  const access = await context.open({ everywhere });
  if (name === undefined && !follows(options)) {
    const clusters = await access.list('MemoryCluster');
    const [only, ...others] = clusters;
    if (only === undefined || others.length > 0 || everywhere) {
      showAll(clusters, options, context);
      return;
    }
    await show(only, { access, options, context });
    return;
  }
  const cluster = await requireCluster(access, name);
  if (follows(options)) await follow(cluster.metadata.name, { access, options, context });
  else await show(cluster, { access, options, context });
}

function follows({ watch, timeout }: StatusOptions): boolean {
  return watch === true || timeout !== undefined;
}

interface Showing {
  readonly access: ResourceAccess;
  readonly options: StatusOptions;
  readonly context: CommandContext;
}

function showAll(
  clusters: readonly Stored<'MemoryCluster'>[],
  { output }: StatusOptions,
  { terminal }: CommandContext,
): void {
  if (clusters.length === 0 && (output === 'table' || output === 'wide')) {
    line(terminal.stderr, 'No MemoryCluster found.');
    return;
  }
  const now = Date.now();
  const items = clusters.map((cluster) => report(cluster, undefined, now));
  print(terminal, output, { items }, () => summary(clusters, now));
}

async function show(
  cluster: Stored<'MemoryCluster'>,
  { access, options, context }: Showing,
  outcome?: Outcome,
): Promise<void> {
  const profile = await profileOf(access, cluster);
  const { terminal, self } = context;
  const now = Date.now();
  print(terminal, options.output, report(cluster, outcome, now), () =>
    clusterTree(cluster, profile, { now, self, wide: options.output === 'wide' }),
  );
}

/** The status for programs: what the resource says, with what follows from it. */
function report(cluster: Stored<'MemoryCluster'>, outcome: Outcome | undefined, now: number) {
  const { name, namespace, generation } = cluster.metadata;
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    generation,
    ...cluster.status,
    commands: legalNow(cluster),
    next: nextOf(cluster, now),
    ...(outcome !== undefined && { outcome }),
  };
}

/** Follows a cluster until it is decided, the time is up, or a person has seen enough. */
async function follow(name: string, showing: Showing): Promise<void> {
  const { access, options, context } = showing;
  const { signal } = context.terminal;
  const limits = options.timeout === undefined ? [] : [AbortSignal.timeout(options.timeout.milliseconds)];
  let last: Stored<'MemoryCluster'> | undefined;
  for await (const cluster of access.watch('MemoryCluster', name, AbortSignal.any([signal, ...limits]))) {
    if (cluster === undefined) throw new CliError(exitCodes.notFound, `MemoryCluster "${name}" was deleted`);
    last = cluster;
    if (await isDecided(cluster, showing)) return;
  }
  signal.throwIfAborted();
  if (options.watch !== true && last !== undefined) await show(last, showing);
  const next = last === undefined ? '' : `: ${nextOf(last, Date.now()).join('; ')}`;
  throw new CliError(exitCodes.timedOut, `${name}: no outcome within ${String(options.timeout)}${next}`);
}

/** Shows the cluster where that is wanted. @throws CliError when the outcome that is waited for is not a good one */
async function isDecided(cluster: Stored<'MemoryCluster'>, showing: Showing): Promise<boolean> {
  const { timeout, watch, for: goal } = showing.options;
  const outcome = timeout === undefined ? undefined : outcomeOf(cluster, goal);
  if (watch === true || outcome !== undefined) await draw(cluster, showing, outcome);
  if (outcome === undefined) return false;
  if (outcome.exitCode === exitCodes.ok) return true;
  throw new CliError(outcome.exitCode, `${cluster.metadata.name}: ${outcome.text}`);
}

async function draw(cluster: Stored<'MemoryCluster'>, showing: Showing, outcome?: Outcome): Promise<void> {
  const { stdout } = showing.context.terminal;
  const people = showing.options.output === 'table' || showing.options.output === 'wide';
  const redraws = showing.options.watch === true && people;
  // Erase the screen and go to its first line; a log gets an empty line between two pictures.
  if (redraws) stdout.write(stdout.isTTY === true ? '\u001b[2J\u001b[H' : '\n');
  await show(cluster, showing, outcome);
}

function duration(text: string): Duration {
  try {
    return Duration.parse(text);
  } catch (error) {
    throw new InvalidArgumentError((error as RangeError).message);
  }
}
