import { gitLoop } from '../../kubernetes/git-loop.js';
import { World } from '../../kubernetes/world.js';
import type { Report } from '../report.js';

const seconds = Number(process.env['GITOPS_SECONDS'] ?? 600);
const every = 10;

/** A Flux-style and an Argo-style loop of forced applies beside a tuner and its canaries: no fight and no diff. */
export async function gitops(report: Report): Promise<void> {
  const world = await World.start('processes');
  try {
    world.operator();
    const outcome = await gitLoop(world, { seconds, every });
    report.figure('seconds', seconds);
    report.figure('rounds of both tools', outcome.rounds);
    report.figure('statuses that were written', outcome.statusWrites);
    report.figure('canaries that were promoted', outcome.promotedCanaries);
    none(report, 'no diff between Git and the API server', outcome.diffs);
    none(report, 'no apply changed anything', outcome.changes);
    none(report, 'the operator wrote nothing but status', outcome.trespasses);
    report.check('the generation stays 1', outcome.generation === 1, outcome.generation);
    report.check('the tuner went on', outcome.adjustments > 1, `${outcome.adjustments} adjustments`);
    none(report, 'every adjustment survived', outcome.undone);
    none(report, 'every status that was written is read rightly', world.statusFaults());
  } finally {
    await world.stop();
  }
}

function none(report: Report, name: string, found: readonly string[]): void {
  report.check(name, found.length === 0, found.slice(0, 5).join('; ') || 'none');
}
