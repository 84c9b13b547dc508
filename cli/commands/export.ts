import { Option, type Command } from 'commander';
import { parameterCatalogue } from '../../operator/cluster/parameters.js';
import { manifestOf, type PartialResource } from '../adopt/manifest.js';
import { tunedValues, type TunedValue } from '../adopt/tuned-values.js';
import type { CommandContext } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { significant } from '../output/table.js';
import type { Stored } from '../resources/access.js';
import { requireCluster } from '../resources/find.js';
import { line } from '../terminal.js';

const forms = ['start', 'parameters'] as const;
type Form = (typeof forms)[number];

const help = `
It writes nothing: put the output beside the manifest and name it under \`patches:\` of a kustomization.yaml, or
copy the values into the manifest.
  --as start        spec.parameters.X.start of the TuningProfile: where tuning begins for a new cluster
  --as parameters   explicit parameters of the MemoryCluster: fixed there, the tuner leaves them alone; a new
                    revision, so that it goes through a canary`;

/** `export [CLUSTER]`: tuned values as a patch for the repository in which the manifests are kept. */
export function registerExport(program: Command, context: CommandContext): void {
  program
    .command('export')
    .description('print a patch that adopts what the tuner has found, for Git')
    .argument('[cluster]', 'MemoryCluster; may be left out where there is one')
    .addOption(new Option('--as <form>', 'what the values become').choices(forms).default('start'))
    .addHelpText('after', help)
    .action(async (name: string | undefined, { as }: { readonly as: Form }) => {
      const { terminal, open } = context;
      const cluster = await requireCluster(await open(), name);
      const values = tunedValues(cluster);
      if (values.length === 0) {
        line(terminal.stderr, `${cluster.metadata.name} runs with no tuned value; there is nothing to adopt`);
        return;
      }
      terminal.stdout.write(manifestOf(patchOf(cluster, values, as), commentOf(cluster, values)));
    });
}

function patchOf(
  cluster: Stored<'MemoryCluster'>,
  values: readonly TunedValue[],
  form: Form,
): PartialResource {
  const { namespace, name } = cluster.metadata;
  const place = namespace === undefined ? {} : { namespace };
  if (form === 'parameters') {
    return { kind: 'MemoryCluster', metadata: { name, ...place }, spec: { services: servicesOf(values) } };
  }
  const profile = cluster.spec.tuningProfileRef?.name;
  if (profile === undefined) {
    throw new CliError(
      exitCodes.refused,
      `${name} names no TuningProfile; --as parameters puts them into the cluster`,
    );
  }
  const parameters = Object.fromEntries(
    values.map(({ name: parameter, value }) => [parameter, { start: value }]),
  );
  return { kind: 'TuningProfile', metadata: { name: profile, ...place }, spec: { parameters } };
}

function servicesOf(values: readonly TunedValue[]): Record<string, { parameters: Record<string, number> }> {
  const services: Record<string, { parameters: Record<string, number> }> = {};
  for (const { name, value } of values) {
    const { owner } = parameterCatalogue[name];
    services[owner] = { parameters: { ...services[owner]?.parameters, [name]: value } };
  }
  return services;
}

function commentOf({ metadata, status }: Stored<'MemoryCluster'>, values: readonly TunedValue[]): string[] {
  const when = status?.tuning?.evaluatedAt ?? '';
  return [
    `Found by the tuner in ${metadata.name} until ${when}.`,
    ...values.map(({ name, value, origin, onTrial }) => {
      const trial = onTrial ? '; another value is on trial and is left out' : '';
      return `${name}: ${significant(origin)} → ${significant(value)}${trial}`;
    }),
  ];
}
