import { CliError, exitCodes } from '../exit.js';
import type { Kind, ResourceAccess, Stored } from './access.js';

/** One resource. @throws CliError when it does not exist */
export async function requireResource<K extends Kind>(
  access: ResourceAccess,
  kind: K,
  name: string,
): Promise<Stored<K>> {
  const found = await access.get(kind, name);
  if (found === undefined) throw new CliError(exitCodes.notFound, `there is no ${kind} named "${name}"`);
  return found;
}

/** The cluster of that name, or the only one. @throws CliError when there is none, or several to choose from */
export async function requireCluster(
  access: ResourceAccess,
  name: string | undefined,
): Promise<Stored<'MemoryCluster'>> {
  if (name !== undefined) return requireResource(access, 'MemoryCluster', name);
  const clusters = await access.list('MemoryCluster');
  const [only, ...others] = clusters;
  if (only === undefined) throw new CliError(exitCodes.notFound, 'there is no MemoryCluster');
  if (others.length > 0) {
    const names = clusters.map(({ metadata }) => metadata.name).join(', ');
    throw new CliError(exitCodes.usage, `name one of the clusters: ${names}`);
  }
  return only;
}

/** The profile that a cluster names; undefined when it names none, or there is none of that name. */
export async function profileOf(
  access: ResourceAccess,
  { spec }: Stored<'MemoryCluster'>,
): Promise<Stored<'TuningProfile'> | undefined> {
  const name = spec.tuningProfileRef?.name;
  return name === undefined ? undefined : access.get('TuningProfile', name);
}
