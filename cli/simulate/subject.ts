import { parseAllDocuments } from 'yaml';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';
import { problemText, validateManifest, type Resource } from '../../operator/api/validate.js';
import type { CommandContext } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { readText } from '../read-text.js';
import { requireCluster, requireResource } from '../resources/find.js';

/** What a simulation is about. */
export interface Subject {
  readonly cluster: MemoryCluster;
  readonly profile: TuningProfile | undefined;
}

/**
 * Cluster and profile: those in the files come first, what is not there is read from where resources are kept. So a changed
 * profile can be tried on a stored cluster.
 * @throws CliError for a manifest that is refused, and when there is no cluster
 */
export async function subjectOf(
  name: string | undefined,
  files: readonly string[],
  context: CommandContext,
): Promise<Subject> {
  const given: Resource[] = [];
  for (const file of files) given.push(...manifestsIn(await readText(file, context.terminal), file));
  const clusters = given.filter((one) => one.kind === 'MemoryCluster');
  const profiles = given.filter((one) => one.kind === 'TuningProfile');
  const cluster =
    clusters.find(({ metadata }) => name === undefined || metadata.name === name) ??
    (await requireCluster(await context.open(), name));
  const [first, ...others] = profiles;
  const wanted = cluster.spec.tuningProfileRef?.name;
  const named = profiles.find(({ metadata }) => metadata.name === wanted);
  if (named !== undefined || wanted === undefined) return { cluster, profile: named ?? first };
  // A single profile in the files is the one to try, whatever it is called.
  if (first !== undefined && others.length === 0) return { cluster, profile: first };
  return { cluster, profile: await requireResource(await context.open(), 'TuningProfile', wanted) };
}

function manifestsIn(content: string, file: string): Resource[] {
  const parsed = parseAllDocuments(content);
  const documents = 'empty' in parsed ? [] : parsed.filter(({ contents }) => contents !== null);
  return documents.map((document) => {
    const [error] = document.errors;
    const [reason] = error?.message.split('\n') ?? [];
    if (reason !== undefined) throw new CliError(exitCodes.refused, `${file}: not valid YAML: ${reason}`);
    const result = validateManifest(document.toJS());
    if (result.ok) return result.resource;
    const faults = result.problems.map((problem) => `${file}: ${problemText(problem)}`);
    throw new CliError(exitCodes.refused, faults.join('\n'));
  });
}
