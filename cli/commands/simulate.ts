import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { Duration } from '../../operator/api/duration.js';
import { tuningMetrics } from '../../operator/metrics/tuning-samples.js';
import { canarySince, extent, ofCluster, type Recording } from '../../operator/simulation/recording.js';
import { simulate } from '../../operator/simulation/simulate.js';
import type { CommandContext } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { outputOption, print, type OutputFormat } from '../output/format.js';
import { recordFrom } from '../simulate/prometheus-recording.js';
import { readRecording } from '../simulate/recording-file.js';
import { simulationText, type Simulated } from '../simulate/report.js';
import { subjectOf, type Subject } from '../simulate/subject.js';
import { line } from '../terminal.js';

interface SimulateOptions {
  readonly filename?: readonly string[];
  readonly samples?: readonly string[];
  readonly prometheus?: string;
  readonly tokenFile?: string;
  readonly match?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly interval?: Duration;
  readonly canaryFrom?: number;
  readonly canary: boolean;
  readonly output: OutputFormat;
}

const defaultSpanMs = 48 * 3_600_000;

const help = `
Samples come from one of
  --prometheus URL   its query API; default: spec.monitoring.prometheus of the cluster
  --samples FILE     answers of /api/v1/query_range, OpenMetrics text, or \`promtool tsdb dump\`
Cluster and profile are the stored ones, unless -f gives others: a changed profile can be tried on last week.

The rules are those that the operator runs. Up to the first decision that differs from what was really done the result is
exact; after it the recorded numbers stay what they were. Commands of people and the completion probe are not replayed.`;

/** `simulate [CLUSTER]`: what would have been decided on recorded samples, when and why. */
export function registerSimulate(program: Command, context: CommandContext): void {
  program
    .command('simulate')
    .description('replay recorded samples through the rules of tuning and rollout')
    .argument('[cluster]', 'MemoryCluster; may be left out where there is one')
    .option('-f, --filename <file...>', 'manifests of a MemoryCluster, a TuningProfile or both')
    .option('--samples <file...>', 'recorded samples; - reads standard input')
    .option('--prometheus <url>', 'Prometheus to read samples from')
    .option('--token-file <file>', 'bearer token for the Prometheus')
    .option('--match <label=value...>', 'labels of the series (default on Kubernetes: namespace and cluster)')
    .option(
      '--from <time>',
      'an instant, or how long ago, such as 48h (default: 48h ago, or the first sample)',
      instant,
    )
    .option('--to <time>', 'an instant, or how long ago (default: now, or the last sample)', instant)
    .option('--interval <duration>', 'time between evaluations (default: spec.monitoring.interval)', interval)
    .option('--canary-from <time>', 'when the canary begins (default: its first sample)', instant)
    .option('--no-canary', 'simulate only the tuner')
    .addOption(outputOption())
    .addHelpText('after', help)
    .action((name: string | undefined, options: SimulateOptions) => replay(name, options, context));
}

async function replay(
  name: string | undefined,
  options: SimulateOptions,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context;
  const subject = await subjectOf(name, options.filename ?? [], context);
  const recording = await recordingOf(subject, options, context);
  const simulated = simulatedOf(subject, recording, options);
  const simulation = await simulate({ ...simulated, recording, signal: terminal.signal });
  const { from, to, canaryFrom } = simulated;
  const result = {
    cluster: subject.cluster.metadata.name,
    ...(subject.profile !== undefined && { profile: subject.profile.metadata.name }),
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    interval: Duration.ofMilliseconds(simulated.intervalMs).toString(),
    ...(canaryFrom !== undefined && { canaryFrom: new Date(canaryFrom).toISOString() }),
    ...simulation,
  };
  print(terminal, options.output, result, () => simulationText(simulated, simulation));
}

async function recordingOf(
  { cluster, profile }: Subject,
  options: SimulateOptions,
  context: CommandContext,
): Promise<Recording> {
  const { samples, prometheus, tokenFile } = options;
  if (samples !== undefined && prometheus !== undefined) {
    throw new CliError(exitCodes.usage, 'samples come from --samples or from --prometheus, not from both');
  }
  const labels = labelsOf(cluster.metadata, options.match, context);
  if (samples !== undefined) return ofCluster(await readRecording(samples, context.terminal), labels);
  const url = prometheus ?? cluster.spec.monitoring.prometheus?.url;
  if (url === undefined) {
    throw new CliError(exitCodes.usage, 'name the samples: --prometheus URL or --samples FILE');
  }
  if (!/^https?:\/\/[^ ]+$/.test(url)) {
    throw new CliError(
      exitCodes.usage,
      `--prometheus: "${url}" is not accepted; expected http:// or https://`,
    );
  }
  line(context.terminal.stderr, `reading samples from ${url} …`);
  const { from, to } = times(options);
  const recording = await recordFrom({
    url,
    labels,
    metrics: profile === undefined ? [] : tuningMetrics(profile.spec),
    from,
    to,
    signal: context.terminal.signal,
    ...(tokenFile !== undefined && { readToken: () => readFile(tokenFile, 'utf8') }),
  });
  return ofCluster(recording, labels);
}

function labelsOf(
  { name, namespace }: { readonly name: string; readonly namespace?: string },
  match: readonly string[] | undefined,
  { namespaces }: CommandContext,
): Readonly<Record<string, string>> {
  if (match !== undefined) return Object.fromEntries(match.map(pair));
  return namespaces ? { ...(namespace !== undefined && { namespace }), cluster: name } : {};
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new CliError(exitCodes.usage, `--match: "${text}" is not accepted; expected LABEL=VALUE`);
}

function times({ from, to }: SimulateOptions): { readonly from: number; readonly to: number } {
  const end = to ?? Date.now();
  const begin = from ?? end - defaultSpanMs;
  if (begin < end) return { from: begin, to: end };
  throw new CliError(exitCodes.usage, `--from ${iso(begin)} is not before --to ${iso(end)}`);
}

function simulatedOf(subject: Subject, recording: Recording, options: SimulateOptions): Simulated {
  const found = extent(recording);
  if (found === undefined)
    throw new CliError(exitCodes.notFound, 'the recording has no sample of this cluster');
  const asked = options.samples === undefined ? times(options) : { ...found, ...given(options) };
  const { from, to } = { from: Math.max(asked.from, found.from), to: Math.min(asked.to, found.to) };
  if (from > to) {
    throw new CliError(
      exitCodes.usage,
      `the recording reaches from ${iso(found.from)} to ${iso(found.to)}; nothing of it lies between --from and --to`,
    );
  }
  const { monitoring } = subject.cluster.spec;
  const canaryFrom = options.canary ? (options.canaryFrom ?? canaryOf(subject, recording)) : undefined;
  return {
    ...subject,
    from,
    to,
    intervalMs: (options.interval ?? Duration.parse(monitoring.interval)).milliseconds,
    ...(canaryFrom !== undefined && { canaryFrom: Math.max(canaryFrom, from) }),
  };
}

/** With CanaryFirst the canary in the recording was, or may have been, one of the tuner. */
function canaryOf({ profile }: Subject, recording: Recording): number | undefined {
  return profile?.spec.scope === 'CanaryFirst' ? undefined : canarySince(recording);
}

function given({ from, to }: SimulateOptions): { readonly from?: number; readonly to?: number } {
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}

/** An RFC 3339 instant, or a duration before now, in epoch milliseconds. */
function instant(text: string): number {
  if (/^(\d+(ms|s|m|h))+$/.test(text)) return Date.now() - Duration.parse(text).milliseconds;
  const at = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError('Expected 2026-01-31T12:00:00Z, or 48h for 48 hours ago.');
  return at;
}

function interval(text: string): Duration {
  const positive = /^(\d+(ms|s|m|h))+$/.test(text) && Duration.parse(text).milliseconds > 0;
  if (!positive) throw new InvalidArgumentError('Expected a duration above 0, such as 15s.');
  return Duration.parse(text);
}
