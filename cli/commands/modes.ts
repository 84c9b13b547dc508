import type { Command } from 'commander';
import type { KclStatus, Mode } from '../../lib/mcpClient/index.js';
import { withGateway } from '../gateway.js';
import { outputOption, print, wholeNumber, type OutputFormat } from '../output/format.js';
import { significant, table } from '../output/table.js';
import { warnOfFailures } from '../output/tracks.js';
import type { Terminal } from '../terminal.js';

/** `tori modes`. */
export function registerModes(program: Command, terminal: Terminal): void {
  program
    .command('modes')
    .description('show the spectral modes of the activations: period, half-life, concepts')
    .option('-n, --limit <count>', 'strongest modes shown in the table', wholeNumber(1, 1000), 20)
    .addOption(outputOption())
    .action(async ({ limit, output }: { limit: number; output: OutputFormat }, command: Command) => {
      await withGateway(command, terminal, async ({ mcp, tenant }) => {
        const result = await mcp('memory.kcl_status', { tenant }, { signal: terminal.signal });
        print(terminal, output, result, () =>
          result.tracks.map((track) => learner(track, limit)).join('\n\n'),
        );
        warnOfFailures(result.failures, terminal);
      });
    });
}

function learner(status: KclStatus, limit: number): string {
  const { track, fitted, reason, snapshots, modes, rank, effectiveRank, psiDriftRad, orderParameter } =
    status;
  if (!fitted) return `${track}: no modes yet: ${reason}`;
  const facts = [
    `${track}: ${modes.length} modes of ${snapshots} snapshots`,
    `rank ${rank} (effective ${effectiveRank})`,
    `ψ-drift ${significant(psiDriftRad)} rad`,
    `order parameter ${significant(orderParameter)}`,
  ];
  const headings = ['mode', 'period', 'half-life', 'amplitude', 'ψ rad', 'residual', 'concepts'];
  return `${facts.join(', ')}\n${table(headings, modes.slice(0, limit).map(row))}`;
}

function row({ modeId, frequencyHz, halfLifeSeconds, amplitude, psiRad, residual, concepts }: Mode) {
  return [
    String(modeId),
    frequencyHz === 0 ? '–' : seconds(1 / frequencyHz),
    halfLifeSeconds === undefined ? '–' : seconds(halfLifeSeconds),
    amplitude,
    psiRad,
    residual,
    concepts.map(({ concept }) => concept).join(' '),
  ];
}

/** A duration in the unit in which it is a short number. */
function seconds(value: number): string {
  if (value < 120) return `${significant(value)} s`;
  if (value < 7_200) return `${significant(value / 60)} min`;
  return value < 172_800 ? `${significant(value / 3_600)} h` : `${significant(value / 86_400)} d`;
}
