import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { AnalysisContext } from '../../analysis.js';
import { type LanguageTask, languageTask } from '../../shared/language/languageTask.js';
import { perplexityOf } from '../../shared/language/tokenLoss.js';
import { createTokenLossMeter, type TokenLossMeter } from '../../shared/language/tokenLossMeter.js';
import { createCettMeter, truncate, type Truncation } from './cett.js';
import { type FeedForward, feedForwardsOf } from './feedForward.js';
import { createThresholdFinder } from './thresholds.js';

/** An error that was tried, the same for all blocks, and what it does to the perplexity. */
export interface TriedError {
  readonly cett: number;
  /** Perplexity over that of the untouched model, minus 1. */
  readonly rise: number;
  readonly activeShare: number;
  readonly truncations: readonly Truncation[];
}

/** What the search for the PPL-p % sparsity found. */
export interface PplSparsity {
  readonly blocks: readonly FeedForward[];
  /** p / 100. */
  readonly wanted: number;
  readonly untouched: number;
  /** Which perplexity it is. */
  readonly measure: TokenLossMeter['name'];
  readonly sampleCount: number;
  readonly tokenCount: number;
  /** Every error that was tried, in order. */
  readonly tried: readonly TriedError[];
  /** The one whose rise is nearest to p; undefined where even truncating everything costs less. */
  readonly found: TriedError | undefined;
  readonly warnings: readonly string[];
}

/** What is asked for. */
export interface PplOptions {
  /** p: how much the perplexity may rise, in percent. */
  readonly percent: number;
  /** Samples at most. */
  readonly limit: number;
}

/** The rise is found within this many percentage points, or this share of p where that is less. */
const tolerancePoints = 0.05;
const toleranceShare = 0.05;
/** Errors that lie nearer than 1 / 2¹⁸ truncate the same neurons, but for a few. */
const maxSteps = 18;

/** Passes over the samples that a search is expected to take; on story-lm 46 measured errors and 10 perplexities. */
export const pplPassCount = 60;

/**
 * Bisects the one error of tail truncation (CETT), the same for all feed-forward blocks, at which truncating raises the
 * perplexity by p %.
 *
 * The thresholds of an error are those at which the untouched model has it in each block; then all blocks are truncated at once
 * and the perplexity is measured on the same tokens.
 *
 * @throws UserError `no-language-model`, `no-feed-forward`, `no-mask-token`, `no-tokens`, `not-finite`.
 */
export async function measurePplSparsity(
  context: AnalysisContext,
  { percent, limit }: PplOptions,
): Promise<PplSparsity> {
  const { model } = context;
  const { data, task } = requireLanguageModel(context);
  const { blocks, warnings } = await feedForwardsOf(layersOf(model, inferTypes(model)), model.file.path);
  const { runtime, batchSize, signal } = context;
  const sampleCount = Math.min(limit, context.limit ?? Infinity, data.sampleCount);
  const request = { model, blocks, mask: task.mask, runtime, data, batchSize, limit: sampleCount, signal };
  const losses = await createTokenLossMeter(context, { data, task, limit: sampleCount });
  if (typeof losses === 'string') throw notTold(model.file.path, losses);
  const perplexity = async (variant: Model) => {
    const loss = await losses.of(variant);
    return { perplexity: perplexityOf(loss), tokenCount: loss.tokenCount };
  };
  const start = await perplexity(model);
  if (start.tokenCount === 0) throw noTokens(data.path);
  if (!Number.isFinite(start.perplexity)) throw notFinite(model.file.path);
  const meter = await createCettMeter(request);
  try {
    const finder = await createThresholdFinder(meter, blocks.length);
    const tryOut = async (cett: number, truncations: readonly Truncation[]): Promise<TriedError> => {
      const thresholds = truncations.map(({ threshold }) => threshold);
      const truncated = await perplexity(truncate(model, blocks, thresholds));
      const rise = truncated.perplexity / start.perplexity - 1;
      return { cett, rise, activeShare: overallOf(blocks, truncations), truncations };
    };
    const tried = [await tryOut(1, finder.all)];
    const wanted = percent / 100;
    await bisect(context, wanted, tried, async (cett) => tryOut(cett, await finder.at(cett)));
    return {
      ...{ blocks, wanted, tried, sampleCount },
      ...{ untouched: start.perplexity, measure: losses.name, tokenCount: start.tokenCount },
      ...outcomeOf(tried, wanted, warnings),
    };
  } finally {
    await meter.close();
  }
}

/**
 * Returns what makes the model a language model on these data.
 *
 * @throws UserError `no-language-model`.
 */
export function requireLanguageModel({ model, data }: Pick<AnalysisContext, 'model' | 'data'>): {
  readonly data: Dataset;
  readonly task: LanguageTask;
} {
  const task = data === undefined ? undefined : languageTask(model, data);
  if (data === undefined || task === undefined) throw noLanguageModel(model.file.path);
  return { data, task };
}

/** Adds to what was tried until the rise is the wanted one; nothing where even everything truncated costs less. */
async function bisect(
  context: AnalysisContext,
  wanted: number,
  tried: TriedError[],
  tryOut: (cett: number) => Promise<TriedError>,
): Promise<void> {
  const tolerance = toleranceOf(wanted);
  let [low, high] = [0, 1];
  if ((tried[0]?.rise ?? NaN) < wanted) return;
  for (let step = 0; step < maxSteps; step++) {
    const latest = await tryOut((low + high) / 2);
    tried.push(latest);
    context.progress({
      // About how many steps there will be is known, not exactly how many.
      fractionDone: 1 - 0.8 ** (step + 1),
      message: `Truncating (CETT ${latest.cett.toFixed(3)}: perplexity ${(100 * latest.rise).toFixed(2)} % up)`,
    });
    if (Math.abs(latest.rise - wanted) <= tolerance) return;
    // A perplexity that is no number is too much.
    if (latest.rise < wanted) low = latest.cett;
    else high = latest.cett;
  }
}

function toleranceOf(wanted: number): number {
  return Math.min(tolerancePoints / 100, toleranceShare * wanted);
}

function outcomeOf(
  tried: readonly TriedError[],
  wanted: number,
  warnings: readonly string[],
): Pick<PplSparsity, 'found' | 'warnings'> {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const [all] = tried;
  if (all !== undefined && all.rise < wanted) {
    const message = `Even with every neuron of the feed-forward blocks truncated the perplexity changes by ${percent(all.rise)}, less than ${percent(wanted)}.`;
    return { found: undefined, warnings: [...warnings, message] };
  }
  const distance = ({ rise }: TriedError): number =>
    Number.isNaN(rise) ? Infinity : Math.abs(rise - wanted);
  const found = tried.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  if (distance(found) <= toleranceOf(wanted)) return { found, warnings };
  const message = `No error was found at which the perplexity rises by ${percent(wanted)}; the nearest rise is ${percent(found.rise)}. Take more samples.`;
  return { found, warnings: [...warnings, message] };
}

/** Share of all (token, neuron) pairs that stay. */
function overallOf(blocks: readonly FeedForward[], truncations: readonly Truncation[]): number {
  const total = blocks.reduce((sum, { unitCount }) => sum + unitCount, 0);
  const active = blocks.reduce(
    (sum, { unitCount }, at) => sum + unitCount * (truncations[at]?.activeShare ?? NaN),
    0,
  );
  return active / total;
}

function noLanguageModel(path: string): UserError {
  return new UserError(
    'no-language-model',
    `The method ppl measures perplexity, and ${path} predicts no tokens: that takes token ids [N, T] as input and scores [N, T, vocabulary] as output. Choose the method zero, or a causal language model with its head.`,
    { detail: { path } },
  );
}

function notTold(path: string, reason: string): UserError {
  return new UserError(
    'no-mask-token',
    `The method ppl measures perplexity, and ${path} has none: ${reason}. Name the tokenizer.json in an .inspect.json, or choose the method zero.`,
    { detail: { path } },
  );
}

function noTokens(path: string): UserError {
  return new UserError(
    'no-tokens',
    `No row of ${path} has two tokens, so there is no perplexity. Give longer rows.`,
    { detail: { path } },
  );
}

function notFinite(path: string): UserError {
  return new UserError(
    'not-finite',
    `The perplexity of ${path} is NaN or infinite on these tokens, so nothing can be compared with it. Find the first layer where this happens with dead-neurons.`,
    { detail: { path } },
  );
}
