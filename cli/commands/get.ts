import type { Command } from 'commander';
import type { Column, Definition } from '../../operator/api/resource.js';
import type { StoredResource } from '../../operator/platform/local/resources/store.js';
import { findResource, kindsOf, readResources } from '../local-resources.js';
import { outputOption, print, type OutputFormat } from '../output/format.js';
import { valuesAt } from '../output/json-path.js';
import { age, table } from '../output/table.js';
import { line, type Terminal } from '../terminal.js';
import { CliError, exitCodes } from '../exit.js';

/** `tori get KINDS [NAME]`. */
export function registerGet(program: Command, terminal: Terminal): void {
  program
    .command('get')
    .description('list resources: mc (MemoryCluster), tp (TuningProfile), ma (MemoryAction)')
    .argument('<kinds>', 'one kind or several, such as mc,tp')
    .argument('[name]', 'only this one')
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
    .action((kinds: string, name: string | undefined, { output }: { output: OutputFormat }) => {
      const definitions = kindsOf(kinds);
      if (name === undefined) getAll(definitions, output, terminal);
      else getOne(definitions, name, output, terminal);
    });
}

function getOne(
  [definition, ...others]: readonly Definition[],
  name: string,
  output: OutputFormat,
  terminal: Terminal,
): void {
  if (definition === undefined || others.length > 0) {
    throw new CliError(exitCodes.usage, 'a name goes with one kind');
  }
  const resource = findResource(terminal, definition, name);
  print(terminal, output, resource, () => listing(definition, [resource], output === 'wide'));
}

function getAll(definitions: readonly Definition[], output: OutputFormat, terminal: Terminal): void {
  const all = readResources(terminal);
  const groups = definitions.map((definition) => ({
    definition,
    resources: all.filter(({ kind }) => kind === definition.kind),
  }));
  const items = groups.flatMap(({ resources }) => resources);
  if (items.length === 0 && (output === 'table' || output === 'wide')) {
    line(terminal.stderr, 'No resources found.');
    return;
  }
  print(terminal, output, { apiVersion: 'v1', kind: 'List', items }, () =>
    groups
      .filter(({ resources }) => resources.length > 0)
      .map(({ definition, resources }) => listing(definition, resources, output === 'wide'))
      .join('\n\n'),
  );
}

/** The kind's printer columns, as `kubectl get` shows them. */
function listing(definition: Definition, resources: readonly StoredResource[], wide: boolean): string {
  const columns = definition.columns.filter(({ priority = 0 }) => wide || priority === 0);
  return table(
    ['name', ...columns.map(({ name }) => name)],
    resources.map((resource) => [
      resource.metadata.name,
      ...columns.map((column) => cellOf(resource, column)),
    ]),
  );
}

function cellOf(resource: StoredResource, { type, jsonPath }: Column): string {
  const texts = valuesAt(resource, jsonPath).map(textOf);
  if (texts.length === 0) return '<none>';
  return type === 'date' ? age(texts[0]!, Date.now()) : texts.join(',');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
