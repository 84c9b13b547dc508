import { grantedRights, type Right } from '../../kubernetes/rights.js';
import { finalizers, RightsLab } from '../../kubernetes/rights-lab.js';
import type { Report } from '../report.js';

/**
 * The chart's Role is minimal: in a lap in which the operator does everything, what it uses is what it is granted; and
 * without any one of its rights it is refused something that it needs.
 */
export async function rbac(report: Report): Promise<void> {
  const lab = await RightsLab.start();
  try {
    const granted = grantedRights(lab.role);
    const { used, denied } = await lab.lap();
    report.check('requests refused with the whole role', denied.size === 0, [...denied].join(', ') || 'none');
    const idle = granted.filter((right) => !used.has(right) && right !== finalizers);
    report.check('rights granted and not used', idle.length === 0, idle.join(', ') || 'none');
    report.figure('rights', granted.length);
    const dispensable: Right[] = [];
    for (const right of granted) {
      const missed = await lab.lapWithout(right);
      report.figure(`without ${right}`, missed ? 'refused' : 'not missed');
      if (!missed) dispensable.push(right);
    }
    report.check('rights that can go', dispensable.length === 0, dispensable.join(', ') || 'none');
  } finally {
    await lab.stop();
  }
}
