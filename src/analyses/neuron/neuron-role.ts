import { cosinesOf } from '../../engine/weights/unitLinks.js';
import { openedModel } from '../../onnx/openedModel.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import { type AnalysisContext, defineAnalysis } from '../analysis.js';
import { tokenizerOf } from '../shared/language/tokenizerOf.js';
import { unitVocabulary } from '../shared/language/unitVocabulary.js';
import { sampleTotalOf } from '../shared/sweep.js';
import { type ChosenUnit, chosenUnit } from './role/chosenUnit.js';
import { type Likeness, measureLikeness } from './role/likeness.js';
import { readUnits } from './role/readUnits.js';
import { measureRemoval, type Removal, scoreCount } from './role/removal.js';
import { draftOf } from './role/report.js';

const settings = {
  neuron: {
    kind: 'text',
    format: 'address',
    title: 'Neuron',
    description:
      'Address of a unit, e.g. conv2[3]; default the first unit whose value the weights of another layer read.',
    default: null,
  },
} as const satisfies SettingsSchema;

/**
 * What part a neuron has in its model: what the layers behind it weigh it with; the cosine of its incoming weights with those of
 * the other units of its layer, w·w′ / (‖w‖ ‖w′‖), and Pearson's correlation of its activations with theirs over samples and
 * positions; and the model's score with it set to 0, and to its mean over the data, against the untouched score.
 *
 * Assumes that weights out say something by themselves: what lies between (a normalisation, an activation) scales them, and is
 * named. High: a cosine or correlation near 1 is a neuron that does the same; a large drop of the score is one that nothing else
 * stands in for. Low: a score that stays may mean that the neuron does nothing, or that others do it too. Caveat: setting one neuron
 * at a time to a constant says nothing of what several do together; 0 may be far from anything the neuron ever is, the mean is not.
 * The tokens that a neuron of a language model promotes are what its weights add to their scores through the final normalisation
 * and the unembedding alone, without what the layers in between make of it.
 */
export const neuronRole = defineAnalysis({
  id: 'neuron-role',
  question: 'neuron',
  title: 'Part of a neuron',
  asks: 'Where does this neuron lead, which are like it, and what does the model lose without it?',
  needs: { data: 'optional', labels: 'optional', gradients: false },
  settings,
  metrics: {
    intactScore: {
      title: 'Untouched',
      description: 'Score of the model as it is: accuracy, or perplexity (lower is better).',
    },
    zeroedScore: { title: 'At 0', description: 'Score with the neuron at 0 everywhere.' },
    meanScore: {
      title: 'At its mean',
      description: 'Score with the neuron at its mean over the data everywhere.',
    },
    readerCount: { title: 'Layers that read it', description: 'Layers that have weights for the neuron.' },
    largestCosine: {
      title: 'Most alike by weights',
      description: 'Largest cosine of its incoming weights with those of another unit of its layer.',
    },
    largestCorrelation: {
      title: 'Most alike by activations',
      description: 'Largest correlation of its activations with those of another unit of its layer.',
    },
  },
  papers: [],
  rows: [],
  cost: (_settings, { sampleCount }) => ({
    passCount: (1 + scoreCount) * sampleCount,
    readCount: (1 + scoreCount) * sampleCount,
  }),
  async run(context, { neuron }) {
    const opened = openedModel(context.model);
    const { layers: table, types } = opened;
    const chosen = chosenUnit(neuron, { table, types });
    context.progress({ fractionDone: 0, message: `Reading the weights of ${chosen.address}` });
    const reads = await readUnits(chosen, { table, types });
    const cosines = await cosinesOf(opened, chosen.address);
    const { data } = context;
    const vocabulary = await unitVocabulary(context, { table, types }, chosen);
    const tokenizer = vocabulary === undefined ? undefined : await tokenizerOf(context);
    const known = { chosen, reads, cosines, vocabulary, tokenizer, data, table };
    const none = 'there are no data';
    if (data === undefined) return draftOf({ ...known, likeness: none, removal: none });
    const measured = await measure(context, opened, chosen);
    return draftOf({ ...known, ...measured });
  },
});

/** The pass over activations, then the scores; each is a quarter of the bar. */
async function measure(
  context: AnalysisContext,
  { layers: table, types }: Pick<ReturnType<typeof openedModel>, 'layers' | 'types'>,
  chosen: ChosenUnit,
): Promise<{ readonly likeness: Likeness | string; readonly removal: Removal | string }> {
  const { data } = context;
  if (data === undefined) throw new Error('Nothing is measured without data.');
  const total = Math.max(1, sampleTotalOf({ data, limit: context.limit }));
  const share = 1 / (1 + scoreCount);
  const message = `Comparing ${chosen.measuredAt} with its layer`;
  const likeness =
    chosen.layer?.isInBody === true
      ? 'values inside an If, Loop or Scan body or a function are not compared'
      : await measureLikeness(context, { data, table, chosen }, (sampleCount) => {
          context.progress({ fractionDone: (share * sampleCount) / total, message });
        });
  const mean = typeof likeness === 'string' ? NaN : likeness.mean;
  const removal = await measureRemoval(context, {
    ...{ data, table, types, mean, address: chosen.measuredAt },
    onScore: (doneCount) => {
      const fractionDone = Math.min(1, share * (1 + doneCount));
      context.progress({ fractionDone, message: `Scoring the model without ${chosen.measuredAt}` });
    },
  });
  return { likeness, removal };
}
