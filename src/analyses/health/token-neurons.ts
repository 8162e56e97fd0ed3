import type { SettingsSchema } from '../../protocol/settings.js';
import { type AnalysisContext, defineAnalysis } from '../analysis.js';
import { languageTask } from '../shared/language/languageTask.js';
import { sampleTotalOf } from '../shared/sweep.js';
import { type ActivityRequest, totalsOf } from './tokens/activity.js';
import {
  type DetectionRule,
  type Detector,
  findDetectors,
  longestPassCount,
  occurrencesOf,
} from './tokens/detect.js';
import { type Head, headOf } from '../shared/language/head.js';
import { type Projection, projectionsOf } from './tokens/projection.js';
import { draftOf } from './tokens/report.js';
import { idsInputOf, type TokenSites, tokenSitesOf } from './tokens/sites.js';

const settings = {
  coverage: {
    kind: 'number',
    title: 'Coverage',
    description: 'Share of a neuron’s activations that few n-grams must cover.',
    default: 0.95,
    minimum: 0.5,
    maximum: 1,
  },
  ngrams: {
    kind: 'integer',
    title: 'N-grams',
    description: 'Most n-grams that may be needed to cover it.',
    default: 5,
    minimum: 1,
    maximum: 16,
  },
  activations: {
    kind: 'integer',
    title: 'Activations',
    description: 'Neurons that are active on fewer tokens of the data are not judged.',
    default: 20,
    minimum: 2,
    maximum: 1_000_000,
  },
  epsilon: {
    kind: 'number',
    title: 'Relative threshold',
    description:
      'GELU-like and gated neurons are active where |a| exceeds this × the RMS of their layer; above 1 only large activations count.',
    default: 1e-3,
    minimum: 0,
    maximum: 100,
  },
} as const satisfies SettingsSchema;

/**
 * Token and n-gram neurons: hidden units of feed-forward layers whose activations few tokens, bigrams or trigrams cover, and what
 * such a neuron does to the scores of the vocabulary.
 *
 * A unit is a detector of n-grams when at least 95 % of the tokens that it is active on end one of at most 5 n-grams; of n = 1, 2, 3
 * the largest counts. Found in bounded memory: a run of the data keeps the most frequent n-grams of each unit (Misra & Gries), the
 * next counts those exactly; where that cannot tell, the unit is undecided. Its row of the down projection, through the mean and
 * gain of the final normalisation and the unembedding, gives the tokens it promotes and suppresses. High counts in early layers:
 * the network looks words up there. Assumes that layers in between leave the row as it is. Caveat: what the data never pair
 * otherwise looks like an n-gram.
 *
 * Source: Voita, Ferrando & Nalmpantis (2023), "Neurons in Large Language Models: Dead, N-gram, Positional",
 * https://arxiv.org/abs/2309.04827. Differs: any activation and gated units, by the value that enters the down projection; the
 * start of a sequence is a token of its own; the mean that a LayerNorm takes away is taken from the row too.
 */
export const tokenNeurons = defineAnalysis({
  id: 'token-neurons',
  question: 'health',
  title: 'Token neurons',
  asks: 'Which neurons fire on a few tokens or n-grams alone, and what do they write?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  metrics: {
    tokenCount: {
      title: 'Token neurons',
      description: 'Neurons covered by few tokens, and by no few bigrams.',
    },
    bigramCount: {
      title: 'Bigram neurons',
      description: 'Neurons covered by few bigrams, and by no few trigrams.',
    },
    trigramCount: { title: 'Trigram neurons', description: 'Neurons covered by few trigrams.' },
    detectorShare: { title: 'Share', description: 'Token and n-gram neurons over those that were judged.' },
    neuronCount: { title: 'Neurons', description: 'Hidden units of feed-forward layers.' },
    judgedCount: { title: 'Judged', description: 'Neurons with activations enough to tell.' },
    undecidedCount: {
      title: 'Undecided',
      description: 'Neurons of which the n-grams held in memory could not tell for some n.',
    },
    suppressingCount: {
      title: 'Suppress their triggers',
      description: 'Detectors that lower the scores of what they fire on by more than a standard deviation.',
    },
  },
  papers: [
    {
      id: 'voita2023',
      title: 'Neurons in Large Language Models: Dead, N-gram, Positional',
      url: 'https://arxiv.org/abs/2309.04827',
      line: 17,
    },
    {
      id: 'misra1982',
      title: 'Finding repeated elements',
      url: 'https://doi.org/10.1016/0167-6423(82)90012-0',
    },
  ],
  rows: [
    {
      line: 17,
      limits:
        'Hidden units of feed-forward layers in the main graph of a model that takes token ids. Tokens promoted and suppressed need down projection and unembedding as a product with stored weights (MatMul, Gemm, MatMulNBits).',
    },
  ],
  lacks: (model) => (idsInputOf(model) === undefined ? 'it has no input of token ids' : undefined),
  cost: (_settings, { sampleCount }) => ({
    passCount: (1.2 + longestPassCount) * sampleCount,
    readCount: (2 + longestPassCount) * sampleCount,
  }),
  async run(context, { coverage, ngrams, activations, epsilon }) {
    const { data, limit } = context;
    if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
    const rule: DetectionRule = { share: coverage, ngramCount: ngrams, leastActiveCount: activations };
    const places = await tokenSitesOf(context, data, epsilon);
    const request: ActivityRequest = { context, data, ids: places.ids, onSamples: progressOf(context) };
    const totals = await totalsOf(request, places.sites);
    const found = await findDetectors(request, totals, rule);
    const occurrences = await occurrencesOf(request, found.detectors);
    const written = await writtenBy(context, places, found.detectors);
    const { sites, warnings } = places;
    const tokenizer = data.tokens?.tokenizer;
    const textOf = tokenizer === undefined ? undefined : (id: number) => tokenizer.textOf(id);
    const sequenceCount = sampleTotalOf({ data, limit });
    return draftOf({ sites, totals, found, rule, occurrences, ...written, sequenceCount, warnings, textOf });
  },
});

/** How far the passes are, of as many as there can be. */
function progressOf(context: AnalysisContext): (count: number) => void {
  const { data, limit } = context;
  const total = data === undefined ? 1 : (1 + longestPassCount) * sampleTotalOf({ data, limit });
  let done = 0;
  return (count) => {
    done += count;
    context.progress({ fractionDone: done / total, message: 'Counting the n-grams that neurons fire on' });
  };
}

interface Written {
  readonly projections: ReadonlyMap<Detector, Projection>;
  readonly projectionNote: string;
}

async function writtenBy(
  context: AnalysisContext,
  { table }: TokenSites,
  detectors: readonly Detector[],
): Promise<Written> {
  const nothing = new Map<Detector, Projection>();
  if (detectors.length === 0) return { projections: nothing, projectionNote: '' };
  const task = languageTask(context.model, context.data);
  if (task === undefined) {
    return { projections: nothing, projectionNote: 'The model scores no vocabulary at every token.' };
  }
  const head = await headOf(table, task.logits);
  if (head === undefined) {
    const projectionNote = `No product with stored weights that makes the scores ${task.output} was found.`;
    return { projections: nothing, projectionNote };
  }
  const projections = await projectionsOf(context, { table, head }, detectors);
  return { projections, projectionNote: noteOf(head, detectors.length - projections.size) };
}

function noteOf({ norm }: Head, missingCount: number): string {
  const notes: string[] = [];
  if (norm !== undefined && norm.gain === undefined) {
    notes.push(`The gain of ${norm.name} is not stored as it is and is left out.`);
  }
  if (missingCount > 0) {
    notes.push(
      `Of ${String(missingCount)} neurons the row does not reach the unembedding: the weights are packed, or of another width.`,
    );
  }
  return notes.join(' ');
}
