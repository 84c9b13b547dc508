import { seededRandom, shuffle } from '../../services/common/network/random.js';
import { Bm25 } from './bm25.js';
import { itemsOf, measureCompletion, tearMessages, type Tear } from './completion.js';
import { readMessages, splitMessages, vocabularyOf, type Message } from './corpus.js';
import { Ease } from './ease.js';
import { incidenceOf, type Incidence, type Scorer } from './incidence.js';
import { itemKnn } from './item-knn.js';
import { cuesOf, measureRecall, type Recaller } from './recall.js';
import type {
  CompletionRow,
  CorpusFigures,
  MemoryBenchResult,
  RecallRow,
  SleepFigures,
  Trial,
} from './result.js';
import { TfIdf } from './tf-idf.js';
import { Tori } from './tori.js';

/** What a run may be told. */
export interface MemoryBenchOptions {
  /** A small part of the corpus, for a quick look; its figures are not comparable with those of a full run. */
  readonly quick?: boolean;
  /** Seed of every random choice. Default 1. */
  readonly seed?: number;
  /** Told what is being done. */
  readonly onProgress?: (line: string) => void;
}

const sizes = {
  full: { training: Infinity, validation: 250, test: 500, leastMessages: 5 },
  quick: { training: 1000, validation: 100, test: 100, leastMessages: 20 },
} as const;

const lambdas = [3, 10, 30, 100];
const neighbourCounts = [50, 200, Infinity];
const keptShare = 0.01;
const hardCue = 3;

/** What every method is given. */
interface Task {
  readonly training: readonly Message[];
  readonly vocabulary: readonly string[];
  readonly itemOf: ReadonlyMap<string, number>;
  readonly data: Incidence;
  readonly validation: readonly Tear[];
  readonly test: readonly Tear[];
  readonly seed: number;
  readonly say: (line: string) => void;
}

/**
 * Does sleep help? Compares completion of half-hidden messages and recall of stored ones with what others do, on the
 * sample mail. The memory takes part through its real services.
 * @throws Error when the corpus is not installed or a service fails
 */
export async function runMemoryBench(options: MemoryBenchOptions = {}): Promise<MemoryBenchResult> {
  const { quick = false, seed = 1, onProgress: say = () => undefined } = options;
  const startedAt = performance.now();
  say('reading the corpus');
  const messages = await readMessages();
  const size = sizes[quick ? 'quick' : 'full'];
  const recalled = size.test;
  const task = prepare(messages, size, seed, say);
  const baselines = await completeByBaselines(task);
  const tori = await Tori.start();
  try {
    const ours = await measureTori(tori, task, recalled);
    return {
      mode: quick ? 'quick' : 'full',
      corpus: corpusFigures(messages, task),
      parameters: {
        seed,
        keptShare,
        recalled: Math.min(recalled, task.training.length),
        ...baselines.parameters,
      },
      completion: [...baselines.rows, ...ours.completion],
      recall: ours.recall,
      sleep: ours.sleep,
      wallSeconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    await tori.stop();
  }
}

function prepare(
  messages: readonly Message[],
  size: (typeof sizes)['full' | 'quick'],
  seed: number,
  say: (line: string) => void,
): Task {
  const random = seededRandom(seed);
  const split = splitMessages(messages, size, random);
  const vocabulary = vocabularyOf(split.training, size.leastMessages);
  const itemOf = new Map(vocabulary.map((name, item) => [name, item]));
  const rows = split.training.map(({ concepts }) => itemsOf(concepts.keys(), itemOf));
  return {
    training: split.training,
    vocabulary,
    itemOf,
    data: incidenceOf(rows, vocabulary.length),
    validation: tearMessages(split.validation, itemOf, random),
    test: tearMessages(split.test, itemOf, random),
    seed,
    say,
  };
}

async function completeByBaselines(task: Task) {
  const { data, test, say } = task;
  const counts = Float64Array.from(data.columns, ({ length }) => length);
  const popularity = await measureCompletion(() => counts, test);
  say('item-kNN');
  const knn = await chooseBest(neighbourCounts, (k) => itemKnn(data, k), task);
  const knnQuality = await measureCompletion(knn.model.score, test);
  const ease = await chooseBest(lambdas, (lambda) => easeOf(task, lambda), task);
  const easeQuality = await measureCompletion(ease.model.score, test);
  say('pruning EASE');
  const pruned = ease.model.prune(keptShare);
  const prunedQuality = await measureCompletion(pruned.score, test);
  const directed = task.vocabulary.length * (task.vocabulary.length - 1);
  const rows: CompletionRow[] = [
    { method: 'popularity', ...popularity, edges: 0, edgeShare: 0 },
    { method: 'item-kNN', ...knnQuality, edges: knn.model.edges, edgeShare: knn.model.edges / directed },
    { method: 'EASE', ...easeQuality, edges: ease.model.edges, edgeShare: 1 },
    {
      method: `EASE, ${100 * (1 - keptShare)} % pruned`,
      ...prunedQuality,
      edges: pruned.edges,
      edgeShare: pruned.edges / directed,
    },
  ];
  const neighbours = Number.isFinite(knn.parameter) ? knn.parameter : ('all' as const);
  return { rows, parameters: { neighbours, lambda: ease.parameter, lambdaTrials: ease.trials } };
}

function easeOf({ data, say }: Task, lambda: number): Ease {
  let tenths = 0;
  return new Ease(data, lambda, (share) => {
    if (Math.floor(10 * share) > tenths)
      say(`EASE, lambda ${lambda}: ${(tenths = Math.floor(10 * share))}0 %`);
  });
}

/** Fits a model for each parameter and keeps the one that completes the validation messages best. */
async function chooseBest<Model extends { readonly score: Scorer }>(
  parameters: readonly number[],
  fit: (parameter: number) => Model,
  { validation, say }: Task,
): Promise<{ readonly parameter: number; readonly model: Model; readonly trials: readonly Trial[] }> {
  const trials: Trial[] = [];
  let best: { parameter: number; model: Model; ndcg: number } | undefined;
  for (const parameter of parameters) {
    const model = fit(parameter);
    const { ndcg } = await measureCompletion(model.score, validation);
    say(`parameter ${parameter}: NDCG@20 ${ndcg.toFixed(4)} on validation`);
    trials.push({ parameter, ndcg });
    if (best === undefined || ndcg > best.ndcg) best = { parameter, model, ndcg };
  }
  return { ...best!, trials };
}

async function measureTori(tori: Tori, task: Task, recalled: number) {
  const { training, test, vocabulary, say } = task;
  const pairs = (vocabulary.length * (vocabulary.length - 1)) / 2;
  const complete = async (method: string, slept = true): Promise<CompletionRow> => {
    say(`completing: ${method}`);
    const quality = await measureCompletion(toriScorer(tori, task, slept), test);
    const edges = slept ? (await tori.graph()).edgeCount : 0;
    return { method, ...quality, edges, edgeShare: edges / pairs };
  };
  say(`storing ${training.length} messages`);
  await tori.remember(training);
  const before = await complete('TORI before sleep', false);
  const startedAt = performance.now();
  const cycles = await tori.sleep(task.seed, ({ cycle, accepted, completionAfter }) =>
    say(
      `sleep cycle ${cycle}: ${accepted ? 'accepted' : 'refused'}, ${completionAfter.toFixed(4)} on its own held-out`,
    ),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await complete('TORI after sleep');
  const recall = await recallRows(tori, task, recalled);
  const pruneThreshold = await tori.prune();
  const pruned = await complete('TORI after pruning');
  const completion = [before, after, pruned];
  let keptThreshold: number | undefined;
  if (pruned.edgeShare > keptShare) {
    keptThreshold = await tori.prune(await tori.thresholdFor(keptShare * pairs));
    completion.push(await complete(`TORI, pruned to ${100 * keptShare} %`));
  }
  const sleep: SleepFigures = {
    seconds,
    cycles: cycles.length,
    accepted: cycles.filter(({ accepted }) => accepted).length,
    pruneThreshold,
    ...(keptThreshold !== undefined && { keptThreshold }),
  };
  return { completion, recall, sleep };
}

/** The order in which the pruner answers: at most 1000 concepts, of which those of the vocabulary count. */
function toriScorer(tori: Tori, { vocabulary, itemOf }: Task, slept: boolean): Scorer {
  return async (cue) => {
    const completed = await tori.complete(
      Array.from(cue, (item) => vocabulary[item]!),
      { slept },
    );
    const scores = new Float64Array(vocabulary.length).fill(-Infinity);
    completed.forEach((concept, place) => {
      const item = itemOf.get(concept);
      if (item !== undefined) scores[item] = -place;
    });
    return scores;
  };
}

async function recallRows(tori: Tori, { training, seed, say }: Task, count: number): Promise<RecallRow[]> {
  const random = seededRandom(seed);
  const order = Uint32Array.from(training.keys());
  shuffle(order, random, count);
  const wanted = Array.from(order.subarray(0, count), (k) => training[k]!);
  const half = cuesOf(wanted, (concepts) => Math.ceil(concepts / 2), random);
  const three = cuesOf(wanted, (concepts) => Math.min(hardCue, concepts), random);
  const documents = training.map(({ concepts }) => termCounts(concepts));
  const bm25 = new Bm25(documents);
  const tfIdf = new TfIdf(documents);
  const ids = (ranked: readonly number[]) => ranked.map((k) => training[k]!.id);
  const methods: readonly (readonly [string, Recaller])[] = [
    ['BM25 (minisearch)', (cue) => ids(bm25.rank(cue, 10))],
    ['TF-IDF cosine', (cue) => ids(tfIdf.rank(cue, 10))],
    ['TORI before sleep', (cue) => tori.rank(cue, 10)],
    ['TORI after sleep', (cue) => tori.recall(cue, 10)],
  ];
  const rows: RecallRow[] = [];
  for (const [method, recall] of methods) {
    say(`recalling: ${method}`);
    rows.push({ method, half: await measureRecall(recall, half), three: await measureRecall(recall, three) });
  }
  return rows;
}

/** Term counts from activations, which are counts f saturated to f / (f + 1.2). */
function termCounts(concepts: ReadonlyMap<string, number>): Map<string, number> {
  const saturation = 1.2;
  return new Map(
    [...concepts].map(([name, a]) => [name, Math.max(1, Math.round((saturation * a) / (1 - a)))]),
  );
}

function corpusFigures(messages: readonly Message[], task: Task): CorpusFigures {
  return {
    messages: messages.length,
    concepts: new Set(messages.flatMap(({ concepts }) => [...concepts.keys()])).size,
    training: task.training.length,
    validation: task.validation.length,
    test: task.test.length,
    vocabulary: task.vocabulary.length,
  };
}
