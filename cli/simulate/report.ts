import { tunableParameters } from '../../operator/api/tuning-status.js';
import type { SimulatedDecision } from '../../operator/simulation/decisions.js';
import type { RuleTally, Simulation } from '../../operator/simulation/simulate.js';
import { adjustmentText } from '../explain/tuning.js';
import { section } from '../explain/section.js';
import { significant, table } from '../output/table.js';
import { short, span } from '../output/time.js';
import type { Subject } from './subject.js';

/** What was simulated, for the head of the report. */
export interface Simulated extends Subject {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly intervalMs: number;
  readonly canaryFrom?: number;
}

/** A simulation in words: every decision with its reason, how often each rule stood where, and what it came to. */
export function simulationText(simulated: Simulated, simulation: Simulation): string {
  return [
    headOf(simulated, simulation),
    decisionsText(simulation.decisions),
    ...(simulation.rules.length === 0 ? [] : [rulesText(simulated, simulation.rules)]),
    ...(simulated.canaryFrom === undefined ? [] : [verdictsText(simulation)]),
    section('AT THE END', endOf(simulation)),
  ].join('\n\n');
}

function headOf(
  { cluster, profile, from, to, intervalMs, canaryFrom }: Simulated,
  { evaluations }: Simulation,
): string {
  const iso = (instant: number) => short(new Date(instant).toISOString());
  const tuner = profile === undefined ? 'without a profile' : `with profile ${profile.metadata.name}`;
  const canary =
    canaryFrom === undefined ? 'no canary in it' : `its canary is judged from ${iso(canaryFrom)}`;
  return [
    `${cluster.metadata.name} ${tuner}: ${iso(from)} to ${iso(to)} (${span(to - from)}), ${canary}`,
    `${evaluations} evaluations, one every ${span(intervalMs)}`,
  ].join('\n');
}

function decisionsText(decisions: readonly SimulatedDecision[]): string {
  if (decisions.length === 0) return section('DECISIONS', ['none']);
  const rows = decisions.map((decision) => [short(decision.at), decision.kind, ...lineOf(decision)]);
  return section('DECISIONS', table(['at', 'kind', 'decision', 'because'], rows).split('\n'));
}

function lineOf(decision: SimulatedDecision): [what: string, why: string] {
  switch (decision.kind) {
    case 'tuning':
      return [decision.adjustment.parameter, adjustmentText(decision.adjustment)];
    case 'proposal': {
      const { parameter, from, to, rule, evidence, confidence } = decision.proposal;
      const { metric, value, threshold } = evidence;
      return [
        `${parameter} ${significant(from)} → ${significant(to)}?`,
        `${rule}: ${metric} ${significant(value)} against ${significant(threshold)}, confidence ${significant(confidence)}`,
      ];
    }
    case 'rollout':
      return [`${decision.from} → ${decision.to} at ${decision.basisPoints / 100}%`, decision.reason];
    case 'verdict':
      return [decision.verdict.verdict, decision.verdict.reasons.join('; ')];
    case 'condition':
      return [`${decision.condition}=${decision.status}`, decision.reason];
  }
}

function rulesText({ profile }: Simulated, rules: readonly RuleTally[]): string {
  const rows = rules.map(({ rule: id, evaluations, nearest, reason }) => {
    const rule = profile?.spec.rules.find((one) => one.id === id);
    const threshold = rule === undefined ? '-' : `${rule.when} ${significant(rule.enter)}`;
    const { Idle, Pending, Firing, NoData } = evaluations;
    return [
      id,
      Idle,
      Pending,
      Firing,
      NoData,
      nearest === undefined ? '-' : significant(nearest),
      threshold,
      reason ?? '-',
    ];
  });
  const headings = ['rule', 'idle', 'pending', 'firing', 'no data', 'nearest', 'acts', 'last reason'];
  return section('RULES', table(headings, rows).split('\n'));
}

function verdictsText({ verdicts: { pass, fail, inconclusive } }: Simulation): string {
  return section('VERDICTS', [`${pass} pass, ${fail} fail, ${inconclusive} inconclusive`]);
}

function endOf({ status }: Simulation): string[] {
  const { rollout, tuning } = status;
  return [
    `rollout ${rollout?.state ?? 'none'}: ${status.message}`,
    ...(tuning === undefined
      ? []
      : tunableParameters.map((name) => {
          const { value, source } = tuning.parameters[name];
          return `${name} ${significant(value)} (${source})`;
        })),
  ];
}
