import type { Command } from 'commander';
import { nearest } from '../../operator/api/problem.js';
import { apiVersion } from '../../operator/api/resource.js';
import { tunableParameters, type TunableParameter } from '../../operator/api/tuning-status.js';
import { problemText, validateManifest } from '../../operator/api/validate.js';
import { manifestOf } from '../adopt/manifest.js';
import { warnOfGit } from '../adopt/git.js';
import type { CommandContext } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import type { Stored } from '../resources/access.js';
import { requireResource } from '../resources/find.js';
import { mergePatch } from '../resources/merge-patch.js';
import { line } from '../terminal.js';

const help = `
Examples:
  pin demo learningRate=0.005     fixes it in every cluster that uses the profile; the tuner leaves it alone
  pin demo learningRate-          gives it back to the tuner
  pin demo dmdRank=75 --dry-run   prints the patch, for a repository

Parameters: ${tunableParameters.join(', ')}`;

/** `pin PROFILE PARAMETER=VALUE|PARAMETER-…`: a person's own change of a TuningProfile. */
export function registerPin(program: Command, context: CommandContext): void {
  program
    .command('pin')
    .description('fix parameters of a TuningProfile, or give them back to the tuner')
    .argument('<profile>', 'TuningProfile')
    .argument('<settings...>', 'PARAMETER=VALUE fixes, PARAMETER- releases')
    .option('--dry-run', 'print the patch as YAML for Git and change nothing')
    .addHelpText('after', help)
    .action((name: string, settings: readonly string[], options: { readonly dryRun?: boolean }) =>
      pin(name, settings, options.dryRun === true, context),
    );
}

async function pin(
  name: string,
  settings: readonly string[],
  dryRun: boolean,
  { terminal, open }: CommandContext,
): Promise<void> {
  const pins = settings.map(settingOf);
  const patch = {
    parameters: Object.fromEntries(pins.map(([parameter, value]) => [parameter, { pin: value }])),
  };
  const access = await open();
  const profile = await requireResource(access, 'TuningProfile', name);
  requireValid(profile, patch);
  if (dryRun) {
    terminal.stdout.write(manifestOf({ kind: 'TuningProfile', metadata: profile.metadata, spec: patch }));
    return;
  }
  warnOfGit(profile, terminal);
  await access.patchSpec('TuningProfile', name, patch);
  for (const [parameter, value] of pins) {
    const what = value === null ? `${parameter} is the tuner's again` : `${parameter} is pinned to ${value}`;
    line(terminal.stdout, `tuningprofile/${name}: ${what}`);
  }
}

function settingOf(text: string): [TunableParameter, number | null] {
  const match = /^([A-Za-z0-9]+)(?:(-)|=(.+))$/.exec(text);
  if (match === null) {
    throw new CliError(exitCodes.usage, `"${text}" is not accepted; expected PARAMETER=VALUE or PARAMETER-`);
  }
  const [, name = '', release, value = ''] = match;
  const parameter = tunableParameters.find((known) => known === name);
  if (parameter === undefined) {
    const meant = nearest(name, tunableParameters);
    const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
    throw new CliError(
      exitCodes.usage,
      `parameter: "${name}" is not accepted; expected ${tunableParameters.join(', ')}${hint}`,
    );
  }
  if (release !== undefined) return [parameter, null];
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) {
    throw new CliError(exitCodes.usage, `${parameter}: "${value}" is not accepted; expected a number`);
  }
  return [parameter, number];
}

/** The schema says what is wrong before anything is sent, and for a dry run at all. */
function requireValid(profile: Stored<'TuningProfile'>, patch: object): void {
  const { name } = profile.metadata;
  const spec = mergePatch(profile.spec, patch);
  const result = validateManifest({ apiVersion, kind: 'TuningProfile', metadata: { name }, spec });
  if (!result.ok) {
    const faults = result.problems.map((problem) => `TuningProfile/${name}: ${problemText(problem)}`);
    throw new CliError(exitCodes.refused, faults.join('\n'));
  }
}
