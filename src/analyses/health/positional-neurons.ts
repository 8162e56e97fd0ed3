import type { SettingsSchema } from '../../protocol/settings.js';
import { defineAnalysis } from '../analysis.js';
import { countByPosition } from './positions/measure.js';
import { draftOf } from './positions/report.js';

const settings = {
  threshold: {
    kind: 'number',
    title: 'Threshold',
    description: 'Neurons with more mutual information of activity and position than this are positional.',
    default: 0.05,
    minimum: 0,
    maximum: 0.693,
    unit: 'nats',
  },
  epsilon: {
    kind: 'number',
    title: 'Relative threshold',
    description: 'GELU-like neurons are active where |a| exceeds this × the RMS of their layer.',
    default: 1e-3,
    minimum: 0,
    maximum: 1,
    exclusive: true,
  },
} as const satisfies SettingsSchema;

/**
 * Positional neurons: units whose activity depends on where in the sequence they are, by the mutual information of
 * (active, position) in nats.
 *
 * I = (1/T) Σ_p [f_p ln(f_p/f) + (1 − f_p) ln((1 − f_p)/(1 − f))] over positions p of equally many rows, with f_p the share of
 * rows in which the unit is active at p. High: the position tells whether it fires; 0: it does not. Estimated from M sequences it
 * is too high by about 1/(2M). Assumes that positions count from the start of the sequence as the model saw it: padding in front
 * moves them. Caveat: a unit that reads what stands at the start of every text (a BOS token) is positional by this measure.
 *
 * Source: Voita, Ferrando & Nalmpantis (2023), "Neurons in Large Language Models: Dead, N-gram, Positional",
 * https://arxiv.org/abs/2309.04827. Differs: any activation, by family; the paper counts ReLU units of OPT.
 */
export const positionalNeurons = defineAnalysis({
  id: 'positional-neurons',
  question: 'health',
  title: 'Positional neurons',
  asks: 'Which neurons fire by where in the sequence they are?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  metrics: {
    positionalCount: { title: 'Positional neurons', description: 'Neurons above the threshold.' },
    positionalShare: { title: 'Share', description: 'Positional neurons over all that were counted.' },
    neuronCount: { title: 'Neurons', description: 'Neurons at positions of a sequence.' },
    maxInformation: {
      title: 'Largest information',
      description: 'Largest mutual information of a neuron’s activity and the position, in nats.',
    },
    informationBias: {
      title: 'By chance',
      description: 'About what chance adds to the information: 1/(2M) nats for M sequences.',
    },
  },
  papers: [
    {
      id: 'voita2023',
      title: 'Neurons in Large Language Models: Dead, N-gram, Positional',
      url: 'https://arxiv.org/abs/2309.04827',
      line: 17,
    },
  ],
  rows: [
    {
      line: 17,
      limits:
        'Counts outputs of activations [N, T, units]; of gated feed-forward layers that is the gate, before its product with the other half.',
    },
  ],
  cost: (_settings, { sampleCount }) => ({ passCount: 1.3 * sampleCount, readCount: sampleCount }),
  async run(context, { threshold, epsilon }) {
    const { data } = context;
    if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
    return draftOf(await countByPosition(context, data, epsilon), threshold);
  },
});
