import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wrongManifests } from '../../manifests/wrong.js';
import { startLocalCluster } from '../../harness/local-cluster.js';
import type { Report } from '../report.js';

/** `tori apply` of every wrong manifest against a running cluster: refused with path and reason, and nothing crashes. */
export async function manifests(report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tori-manifests-'));
  const cluster = await startLocalCluster();
  const before = cluster.pids();
  let refused = 0;
  try {
    for (const { name, yaml, path, reason } of wrongManifests) {
      const file = join(folder, 'wrong.yaml');
      writeFileSync(file, yaml);
      const { code, stderr } = await cluster.tori('apply', '-f', file);
      const good = code === 4 && stderr.includes(path) && reason.test(stderr);
      if (good) refused++;
      else report.check(name, false, `exit code ${code}, ${stderr.trim()}`);
    }
    const total = wrongManifests.length;
    report.check(
      'refused with path, value and reason',
      refused === total && total >= 30,
      `${refused} of ${total}`,
    );
    const after = cluster.pids();
    const same = [...before].every(([name, pid]) => after.get(name) === pid);
    report.check('no process crashed', same, `${after.size} processes, all with their first pid`);
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
