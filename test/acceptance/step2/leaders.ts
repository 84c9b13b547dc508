import type { RolloutState } from '../../../operator/api/rollout-status.js';
import { TwoLeaders, type Blow, type Takeover } from '../../kubernetes/two-leaders.js';
import { World } from '../../kubernetes/world.js';
import type { Report } from '../report.js';

const states: readonly RolloutState[] = ['Starting', 'Holding', 'Promoting', 'Draining', 'Removing'];
const blows: readonly Blow[] = ['cut off', 'stopped'];

/** The leader is cut off, or stopped past its lease, at each state of a rollout, and comes back: nothing is done twice. */
export async function leaders(report: Report): Promise<void> {
  const world = await World.start('processes');
  try {
    await strikeEverywhere(report, world);
    const linted = world.statusFaults();
    report.check(
      'every status that was written is read rightly',
      linted.length === 0,
      linted.join('; ') || 'all',
    );
  } finally {
    await world.stop();
  }
}

async function strikeEverywhere(report: Report, world: World): Promise<void> {
  const two = await TwoLeaders.start(world, 1);
  try {
    const rounds = blows.flatMap((blow) => states.map((state) => [state, blow] as const));
    for (const [state, blow] of rounds) judge(report, await two.takeover(state, blow));
    const { adjustments, brokenChain, load } = await two.end();
    report.check(
      'every adjustment was made once, from the value that the one before left',
      brokenChain.length === 0 && adjustments > 0,
      brokenChain.join('; ') || adjustments,
    );
    report.check(
      'every acknowledged episode is there and equal',
      load.equal === load.acknowledged,
      `${load.equal} of ${load.acknowledged} ${load.wrong.join(' ')}`,
    );
  } finally {
    await two.close();
  }
}

/** A rollout that is promoted by hand at its first share. */
const promotedWay = [
  'Stable - 0%',
  'Starting 0 0%',
  'Holding 0 50%',
  'Promoting 0 100%',
  'Draining 0 0%',
  'Removing 0 0%',
  'Stable - 0%',
];

function judge(report: Report, takeover: Takeover): void {
  const { state, blow, secondsToTakeOver, late, refused, outcomes, answers } = takeover;
  const name = `leader ${blow} in ${state}`;
  report.figure(`${name}: seconds until the other wrote`, secondsToTakeOver.toFixed(1));
  report.check(
    `${name}: it wrote nothing more`,
    late.length === 0,
    late.join('; ') || `${refused} attempts were refused`,
  );
  report.check(
    `${name}: each step once`,
    takeover.way.join() === promotedWay.join(),
    takeover.way.join(' → '),
  );
  report.check(`${name}: promoted`, outcomes.join() === 'Promoted', outcomes.join());
  report.check(`${name}: the promotion was answered once`, answers === 1, answers);
}
