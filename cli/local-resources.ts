import type { StoredResource } from '../operator/platform/local/resources/store.js';
import { ResourceStore } from '../operator/platform/local/resources/store.js';
import { definitions } from '../operator/api/definitions.js';
import type { Definition } from '../operator/api/resource.js';
import { problemText } from '../operator/api/validate.js';
import { homeOf } from '../operator/platform/local/home.js';
import { CliError, exitCodes } from './exit.js';
import { line, type Terminal } from './terminal.js';

/** The resources of this machine, where `tori up` finds them. */
export function storeOf({ env }: Terminal): ResourceStore {
  return new ResourceStore(homeOf(env));
}

/** Reads all resources; a file that cannot be used is told on stderr. */
export function readResources(terminal: Terminal): readonly StoredResource[] {
  const { resources, problems } = storeOf(terminal).read();
  for (const { file, problems: found } of problems) {
    for (const problem of found) line(terminal.stderr, `warning: ${file}: ${problemText(problem)}`);
  }
  return resources;
}

/** One resource. @throws CliError when it does not exist */
export function findResource(terminal: Terminal, { kind }: Definition, name: string): StoredResource {
  const found = readResources(terminal).find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new CliError(exitCodes.notFound, `there is no ${kind} named "${name}"`);
  return found;
}

/** The kinds behind a list such as `mc,tp`: short names, singulars, plurals or kinds. @throws CliError for another */
export function kindsOf(list: string): Definition[] {
  return list.split(',').map((name) => {
    const wanted = name.trim().toLowerCase();
    const found = definitions.find((definition) => namesOf(definition).includes(wanted));
    if (found !== undefined) return found;
    const known = definitions
      .map(({ shortNames, plural }) => `${shortNames.join('|')} (${plural})`)
      .join(', ');
    throw new CliError(exitCodes.usage, `kind: "${name}" is not accepted; expected ${known}`);
  });
}

function namesOf({ kind, singular, plural, shortNames }: Definition): string[] {
  return [kind.toLowerCase(), singular, plural, ...shortNames];
}
