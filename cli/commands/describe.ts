import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Condition } from '../../operator/api/resource.js';
import type { StoredResource } from '../../operator/platform/local/resources/store.js';
import { CliError, exitCodes } from '../exit.js';
import { findResource, kindsOf } from '../local-resources.js';
import { age, table } from '../output/table.js';
import { line, type Terminal } from '../terminal.js';

/** `tori describe KIND NAME`. */
export function registerDescribe(program: Command, terminal: Terminal): void {
  program
    .command('describe')
    .description('show one resource: its conditions, spec and status')
    .argument('<kind>', 'mc, tp or ma')
    .argument('<name>')
    .action((kind: string, name: string) => {
      const [definition, ...others] = kindsOf(kind);
      if (definition === undefined || others.length > 0) {
        throw new CliError(exitCodes.usage, `kind: "${kind}" is not accepted; expected one kind`);
      }
      line(terminal.stdout, description(findResource(terminal, definition, name), Date.now()));
    });
}

function description({ kind, metadata, spec, status }: StoredResource, now: number): string {
  const { conditions, ...rest }: { conditions?: readonly Condition[] } = status ?? {};
  const head = [
    `NAME         ${metadata.name}`,
    `KIND         ${kind}`,
    `GENERATION   ${metadata.generation}`,
    `AGE          ${age(metadata.creationTimestamp, now)}`,
  ].join('\n');
  return [
    head,
    ...(conditions === undefined || conditions.length === 0 ? [] : [conditionTable(conditions, now)]),
    `SPEC\n${indented(spec)}`,
    status === undefined ? 'STATUS\n  none yet: is `tori up` running?' : `STATUS\n${indented(rest)}`,
  ].join('\n\n');
}

function conditionTable(conditions: readonly Condition[], now: number): string {
  return table(
    ['condition', 'status', 'since', 'reason', 'message'],
    conditions.map(({ type, status, lastTransitionTime, reason, message }) => [
      type,
      status,
      age(lastTransitionTime, now),
      reason,
      message,
    ]),
  );
}

function indented(value: unknown): string {
  return stringify(value).trimEnd().replace(/^/gm, '  ');
}
