import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMcp, type Mcp } from '../../../lib/mcpClient/index.js';
import { parseExposition } from '../../../operator/metrics/exposition.js';
import { currentCluster } from '../follow.js';
import type { TourContext } from './context.js';
import { hasSampleMail, SampleMail } from './sample-mail.js';
import { startCanary } from './start-canary.js';

/**
 * Shows a new memory at work, once: imports real mail, sleeps, prunes, learns, recalls, and starts a canary by editing the
 * resource file as a person would. What follows from it (the canary's steps, the tuner's changes) is told by `follow`.
 */
export async function tour(context: TourContext): Promise<void> {
  const { home, endpoints, say, signal } = context;
  const marker = join(home.run, 'toured');
  if (existsSync(marker)) return;
  if (!hasSampleMail()) {
    say.warn('The sample mail comes with a source checkout only. Import your own: npx tori import FILES');
    return;
  }
  const apiKey = readFileSync(endpoints.apiKeyFile, 'utf8').trim();
  const mcp = createMcp({ url: endpoints.mcp, apiKey });
  const mail = new SampleMail(mcp, context);
  try {
    say.step('Import: a corpus of real mail becomes episodes (concepts by weight in the text)');
    await mail.importMost();
    await consolidate(mcp, context);
    await showDynamics(mcp, context);
    await showRecall(mcp, context);
    startCanary(context);
    await serveCanary(mail, context);
    writeFileSync(marker, '');
  } catch (error) {
    if (signal.aborted) return;
    say.warn(
      `The tour stopped: ${error instanceof Error ? error.message : String(error)}. The memory goes on; the next start tries again.`,
    );
  } finally {
    await mcp.close();
  }
}

/** Keeps mail coming while the canary goes through its steps, so that it has something to be judged by. */
async function serveCanary(mail: SampleMail, { store, say, signal }: TourContext): Promise<void> {
  say.fact('Meanwhile mail keeps arriving, so that both tracks have something to do.');
  const finished = () => currentCluster(store)?.status?.rollout?.history.length ?? 0;
  const before = finished();
  const arrived = await mail.arrive(() => finished() > before);
  // Long enough for `follow` to tell first how the canary ended.
  await sleep(1_000, undefined, { signal });
  say.done(`${arrived} messages arrived during the canary`);
}

async function consolidate(mcp: Mcp, { endpoints, say, signal }: TourContext): Promise<void> {
  say.step('Sleep: replaying episodes into the concept graph');
  // The memory has slept by itself while episodes came: this takes what is left.
  const { runs } = await mcp('memory.sleep', { once: false }, { signal });
  for (const cycle of runs.flatMap((run) => run.cycles)) {
    const energy = `energy ${two(cycle.energyBefore)} → ${two(cycle.energyAfter)}`;
    const completion = `completion NDCG@20 ${two(cycle.completionBefore)} → ${two(cycle.completionAfter)}`;
    const verdict = cycle.accepted ? 'committed' : `refused: ${cycle.reason}`;
    say.fact(
      `cycle ${cycle.cycle}: ${cycle.episodes} episodes, ${energy}, drop ${percent(cycle.energyDropRatio)}, ${completion}, ${verdict}`,
    );
  }
  const sleeps = await readMetrics(endpoints.services['sleep-scheduler']!.metrics);
  const graph = await readMetrics(endpoints.services['sparse-pruner']!.metrics);
  say.done(
    `Consolidated in ${sleeps('consol_cycles_total', { result: 'accepted' })} cycles so far: ${graph('edge_count')} edges, ` +
      `completion of held-out episodes NDCG@20 ${two(sleeps('consol_completion_ndcg'))}`,
  );
  await prune(mcp, { say, signal });
}

/** Shows what the L1 strength decides, then prunes at the one in force. */
async function prune(mcp: Mcp, { say, signal }: Pick<TourContext, 'say' | 'signal'>): Promise<void> {
  say.step('Prune: the L1 proximal step takes the weakest edges');
  for (const threshold of [undefined, 0.003, 0.01]) {
    const { runs } = await mcp('memory.prune', { dryRun: true, threshold }, { signal });
    for (const run of runs)
      say.fact(`at τ = ${run.threshold} it would keep ${run.edgesAfter} of ${run.edgesBefore} edges`);
  }
  const { runs } = await mcp('memory.prune', { dryRun: false }, { signal });
  for (const run of runs)
    say.done(
      `Pruned at τ = ${run.threshold}: ${run.edgesBefore} → ${run.edgesAfter} edges, all of them lighter`,
    );
}

async function showDynamics(mcp: Mcp, { say, signal }: TourContext): Promise<void> {
  say.step('Learn: spectral modes of the activations');
  const { tracks } = await mcp('memory.kcl_status', {}, { signal });
  for (const { modes, effectiveRank, psiDriftRad } of tracks) {
    say.fact(`${modes.length} modes, effective rank ${effectiveRank}, ψ-drift ${two(psiDriftRad)} rad`);
    for (const mode of modes.slice(0, 3)) {
      const concepts = mode.concepts
        .slice(0, 4)
        .map(({ concept }) => concept)
        .join(', ');
      say.fact(
        `  ${mode.frequencyHz.toExponential(1)} Hz, growth ${mode.growthRate.toExponential(1)} /s: ${concepts}`,
      );
    }
  }
}

async function showRecall(mcp: Mcp, { say, signal }: TourContext): Promise<void> {
  const text = 'linux kernel driver';
  say.step(`Recall: what does "${text}" bring back?`);
  const { completed, episodes } = await mcp('memory.recall', { text, k: 5 }, { signal });
  say.fact(`completes to ${completed.map(({ concept }) => concept).join(', ')}`);
  for (const { meta, source, id } of episodes.slice(0, 3))
    say.fact(`episode ${meta['subject'] ?? (source === '' ? id : source)}`);
}

/** A metrics page, to be asked for the sum of a metric over the labels that are not given. */
async function readMetrics(url: string): Promise<(name: string, labels?: Record<string, string>) => number> {
  const families = parseExposition(await (await fetch(url)).text());
  return (name, labels = {}) =>
    families
      .flatMap(({ samples }) => samples)
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
}

function two(value: number): string {
  return value.toFixed(Math.abs(value) < 1 ? 3 : 2);
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}
