import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../harness/local-cluster.js';
import type { Report } from '../report.js';

/** Where the known answers are tested: patterns, energy, soft threshold, eigenvalues, and the canary of 48 hours. */
const suites: Readonly<Record<string, string>> = {
  'Hopfield patterns, energy, annealing': 'services/common/network',
  'soft threshold in closed form': 'services/sparse-pruner/domain',
  'eigenvalues, PyDMD, couplings': 'services/koopman-learner/domain',
  'a 48-hour canary with kills, verdicts': 'operator/rollout',
  'each tuning rule': 'operator/tuning test/tuning',
};

/** Runs the suites of known answers, each by itself. */
export async function knownAnswers(report: Report): Promise<void> {
  for (const [name, paths] of Object.entries(suites)) {
    const { code, counts } = await jest(paths.split(' '));
    report.check(name, code === 0, counts);
  }
}

async function jest(paths: readonly string[]): Promise<{ code: number; counts: string }> {
  const bin = join(packageRoot, 'node_modules', 'jest', 'bin', 'jest.js');
  const flags = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    bin,
    '--silent',
    ...paths,
  ];
  const child = spawn(process.execPath, flags, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, counts: output.trim().split('\n').at(-1) ?? '' };
}
