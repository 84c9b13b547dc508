import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { outputOption, print, type OutputFormat } from '../output/format.js';
import type { Terminal } from '../terminal.js';

const manifest = z.object({ version: z.string() });

/** `tori version`. */
export function registerVersion(program: Command, terminal: Terminal): void {
  program
    .command('version')
    .description('show the version of this command and of the Node that runs it')
    .addOption(outputOption())
    .action(({ output }: { output: OutputFormat }) => {
      const tori = versionOf(new URL('../../', import.meta.url)) ?? 'unknown';
      const versions = { tori, node: process.versions.node, platform: `${process.platform}-${process.arch}` };
      print(terminal, output, versions, () => `tori ${tori} (Node ${versions.node}, ${versions.platform})`);
    });
}

/** The version in the nearest package.json: sources and compiled files stand at different depths below it. */
function versionOf(folder: URL): string | undefined {
  for (const candidate of [folder, new URL('../', folder)]) {
    try {
      return manifest.parse(JSON.parse(readFileSync(new URL('package.json', candidate), 'utf8'))).version;
    } catch {
      continue;
    }
  }
  return undefined;
}
