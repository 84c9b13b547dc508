import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { homeOf } from '../../operator/platform/local/home.js';
import { CliError, exitCodes } from '../exit.js';
import { line, type Terminal } from '../terminal.js';
import { runningUp } from '../up/lock.js';

/** How long services may drain. */
const patienceMs = 60_000;

/** `tori down`. */
export function registerDown(program: Command, terminal: Terminal): void {
  program
    .command('down')
    .description('stop the memory system of this machine; its data stays')
    .action(async () => {
      await down(terminal);
    });
}

async function down(terminal: Terminal): Promise<void> {
  const home = homeOf(terminal.env);
  const pid = runningUp(home);
  if (pid === undefined) {
    line(terminal.stdout, `Nothing runs in ${home.root}.`);
    return;
  }
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + patienceMs;
  while (runningUp(home) === pid) {
    if (Date.now() > deadline) {
      throw new CliError(
        exitCodes.failure,
        `process ${pid} is still stopping after ${patienceMs / 1000} s: see ${home.logs}`,
      );
    }
    await sleep(100, undefined, { signal: terminal.signal });
  }
  line(terminal.stdout, 'Stopped. The data stays.');
}
