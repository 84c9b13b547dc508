import type { Command } from 'commander';
import { parseAllDocuments } from 'yaml';
import { localProblems } from '../../operator/api/local.js';
import {
  problemText,
  validateManifest,
  type ManifestProblem,
  type Resource,
} from '../../operator/api/validate.js';
import { prepareHome } from '../../operator/platform/local/home.js';
import { ResourceStore, type StoredResource } from '../../operator/platform/local/resources/store.js';
import { CliError, exitCodes } from '../exit.js';
import { readText } from '../read-text.js';
import { line, type Terminal } from '../terminal.js';

/** A document of a file, accepted or not. */
interface Candidate {
  readonly manifest: unknown;
  readonly resource: Resource | undefined;
  /** Lines that say what is wrong. */
  readonly faults: readonly string[];
}

/** `tori apply -f FILE`. */
export function registerApply(program: Command, terminal: Terminal): void {
  program
    .command('apply')
    .description('create or change resources from YAML or JSON; the operator follows')
    .requiredOption('-f, --filename <file...>', 'file with one or more manifests; - reads standard input')
    .action(async ({ filename }: { filename: readonly string[] }) => {
      await apply(filename, terminal);
    });
}

/** Applies every document of every file, or none when any of them is wrong. */
async function apply(files: readonly string[], terminal: Terminal): Promise<void> {
  const store = new ResourceStore(prepareHome(terminal.env));
  const { resources } = store.read();
  const candidates: Candidate[] = [];
  for (const file of files) {
    candidates.push(...candidatesIn(await readText(file, terminal), file, resources));
  }
  const faults = candidates.flatMap((candidate) => candidate.faults);
  if (faults.length > 0) throw new CliError(exitCodes.refused, faults.join('\n'));
  for (const { resource, manifest } of candidates) {
    if (resource === undefined) continue;
    const { outcome } = store.apply(resource, manifest);
    line(terminal.stdout, `${resource.kind.toLowerCase()}/${resource.metadata.name} ${outcome}`);
  }
}

function candidatesIn(content: string, file: string, stored: readonly StoredResource[]): Candidate[] {
  const parsed = parseAllDocuments(content);
  const documents = 'empty' in parsed ? [] : parsed.filter(({ contents }) => contents !== null);
  if (documents.length === 0)
    return [{ manifest: undefined, resource: undefined, faults: [`${file}: no manifest`] }];
  return documents.map((document) => {
    const [error] = document.errors;
    if (error === undefined) return candidateOf(document.toJS(), file, stored);
    const [reason = error.message] = error.message.split('\n');
    return { manifest: undefined, resource: undefined, faults: [`${file}: not valid YAML: ${reason}`] };
  });
}

function candidateOf(manifest: unknown, file: string, stored: readonly StoredResource[]): Candidate {
  const before = stored.find(({ kind, metadata }) => isNamed(manifest, kind, metadata.name));
  const result = validateManifest(manifest, before);
  const problems: readonly ManifestProblem[] = result.ok ? refusedLocally(result.resource) : result.problems;
  const faults = problems.map((problem) => `${file}: ${nameOf(manifest)}${problemText(problem)}`);
  return { manifest, resource: result.ok ? result.resource : undefined, faults };
}

function refusedLocally(resource: Resource): readonly ManifestProblem[] {
  return resource.kind === 'MemoryCluster' ? localProblems(resource) : [];
}

function isNamed(manifest: unknown, kind: string, name: string): boolean {
  const candidate = manifest as { kind?: unknown; metadata?: { name?: unknown } } | null;
  return candidate?.kind === kind && candidate.metadata?.name === name;
}

/** `MemoryCluster/demo: ` as far as the manifest says it. */
function nameOf(manifest: unknown): string {
  const { kind, metadata } = (manifest ?? {}) as { kind?: unknown; metadata?: { name?: unknown } | null };
  const name = metadata?.name;
  return typeof kind === 'string' && typeof name === 'string' ? `${kind}/${name}: ` : '';
}
