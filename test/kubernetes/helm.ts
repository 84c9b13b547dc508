import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { programs } from '../cluster/binaries.js';
import { packageRoot } from '../harness/local-cluster.js';

/** The chart in the repository. */
export const chart = join(packageRoot, 'helm', 'tori-memory');

/** As much of a Kubernetes object as tests of manifests look at. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** What a program printed. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; `input` is its standard input. Never throws for an exit code. */
export function run(
  path: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...options.env };
    const child = execFile(path, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
    // A program that reads nothing may be gone before its input is written.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

/** Runs helm. @param kubeconfig of the cluster that it talks to; none is needed to render */
export function helm(args: readonly string[], kubeconfig?: string): Promise<Ran> {
  const [path] = programs('helm');
  return run(path, args, { env: { KUBECONFIG: kubeconfig ?? '/dev/null' } });
}

/**
 * Renders the chart as release `tori` in namespace `tori`, for the Kubernetes that the tests build.
 * @throws Error with Helm's words when it refuses
 */
export async function template(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await helm([
    'template',
    'tori',
    chart,
    '--namespace=tori',
    '--kube-version=1.34.0',
    ...args,
  ]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The objects of a YAML stream. */
export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The output of a command that has to succeed. @throws Error with what it said when it does not */
export async function must(command: Promise<Ran>): Promise<string> {
  const { code, stdout, stderr } = await command;
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Waits for what an API server does some time after it was told: serving a kind, aggregating roles, enforcing a policy. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(200);
}
