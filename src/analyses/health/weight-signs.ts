import { UserError } from '../../base/errors.js';
import { formatAddress } from '../../onnx/addresses.js';
import { layersOf } from '../../onnx/layers/layerTable.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { Block } from '../../protocol/blocks.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import {
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type ResultArray,
  type SettingsOf,
} from '../analysis.js';
import { createModelScorer } from '../shared/modelScore.js';
import { measureRemovals, type RemovedSign, whyKept } from './signs/removal.js';
import { countSigns, isNonNegative, type LayerSigns, type SignCounts, totalsOf } from './signs/signCounts.js';
import {
  massChart,
  neuronSigns,
  removalChart,
  type RemovalScores,
  signTable,
  uncountedBlocks,
} from './signs/signReport.js';

const settings = {
  remove: {
    kind: 'choice',
    title: 'Weights removed',
    description:
      'Which weights are set to 0, layer by layer, to see what the model is worth without them; needs data with labels, or texts for a language model.',
    default: 'both',
    choices: ['both', 'negative', 'positive', 'none'],
  },
  removalSamples: {
    kind: 'integer',
    title: 'Samples of a removal',
    description: 'Every variant of the model is scored on the first samples, at most this many.',
    default: 500,
    minimum: 1,
    maximum: 1_000_000,
    appliesWhen: { remove: ['both', 'negative', 'positive'] },
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

const signsRemoved: Readonly<Record<Settings['remove'], readonly RemovedSign[]>> = {
  both: ['negative', 'positive'],
  negative: ['negative'],
  positive: ['positive'],
  none: [],
};

const metrics = {
  negativeShare: { title: 'Negative weights', description: 'Share of all counted weights that are below 0.' },
  inhibitoryMassShare: {
    title: 'Inhibitory mass',
    description: 'Sum of the sizes of the negative weights over that of all counted weights.',
  },
  weightCount: { title: 'Weights', description: 'Weights of convolutions and dense layers.' },
  layerCount: { title: 'Layers', description: 'Layers whose weights were counted.' },
  nonNegativeLayerCount: {
    title: 'Non-negative layers',
    description: 'Layers that have weights, none of them negative.',
  },
  intactScore: {
    title: 'Untouched',
    description: 'Score of the untouched model on the samples of the removals.',
  },
  scoreWithoutNegative: {
    title: 'Without negative weights',
    description: 'Score when the negative weights of all layers are set to 0.',
  },
  scoreWithoutPositive: {
    title: 'Without positive weights',
    description: 'Score when the positive weights of all layers are set to 0.',
  },
} as const;

/**
 * Weight signs: how much of each layer and neuron excites and how much inhibits, and what the model is worth without either.
 *
 * For the incoming weights w of a unit: excitatory mass E = Σ max(w, 0), inhibitory mass I = Σ max(−w, 0), inhibitory share
 * I / (E + I). A removal sets the weights of one sign to 0 in one layer, or in all, and scores the model again. Assumes that a
 * weight's sign is how it acts: a BatchNormalization with a negative scale behind a convolution turns its signs. With
 * non-decreasing activations a network without negative weights only represents non-decreasing functions of its input, so it is
 * no universal approximator. Caveat: removing weights also shifts what later layers and normalisations see, so a fall in score
 * is not the sign's doing alone.
 *
 * Source: Wang, Powell, Geisa, Bridgeford, Priebe & Vogelstein (2022), "Why do networks have inhibitory/negative
 * connections?", https://arxiv.org/abs/2208.03211. Differs: the paper proves what non-negative networks cannot represent; shares
 * and removals measure how far a trained one rests on its negative weights.
 */
export const weightSigns = defineAnalysis({
  id: 'weight-signs',
  question: 'health',
  title: 'Weight signs',
  asks: 'How much of the network excites, how much inhibits, and what does it lose without either?',
  needs: { data: 'optional', labels: 'optional', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'wang2022negative',
      title: 'Why do networks have inhibitory/negative connections?',
      url: 'https://arxiv.org/abs/2208.03211',
      line: 187,
    },
  ],
  rows: [
    {
      line: 187,
      limits:
        'Counts convolutions and dense layers; recurrent, fused attention and embedding weights are listed as left out. Signs are those of the stored weights: a negative normalisation scale behind them is not folded in. Removal needs labels, or token ids of a language model.',
    },
  ],
  cost({ remove, removalSamples }, { model, sampleCount }) {
    const layerCount = model.graph.nodes.filter(({ opType }) => /^(Conv|Gemm|MatMul)/u.test(opType)).length;
    const scored = Math.min(sampleCount, removalSamples);
    const variants = 1 + signsRemoved[remove].length * (1 + layerCount);
    return { passCount: scored * variants, readCount: scored * variants };
  },
  run: examine,
});

interface Found {
  readonly counts: SignCounts;
  readonly removal: (RemovalScores & { readonly sampleCount: number }) | string;
}

async function examine(context: AnalysisContext, chosen: Settings): Promise<ReportDraft> {
  const { model } = context;
  const table = layersOf(model, inferTypes(model));
  const counts = await countSigns(table, (done, total) => {
    context.progress({
      fractionDone: (0.2 * done) / total,
      message: `Counting (${done} of ${total} layers)`,
    });
  });
  if (counts.counted.length === 0) throw noWeightedLayer(counts);
  context.partial(() => draftOf({ counts, removal: 'not measured yet' }));
  return draftOf({ counts, removal: await removalOf(context, counts.counted, chosen) });
}

function noWeightedLayer({ uncounted: [first] }: SignCounts): UserError {
  const example = first === undefined ? '' : ` For example, ${first.layer}: ${first.reason}.`;
  return new UserError(
    'no-weights',
    `This model has no convolution or dense layer whose weights can be counted.${example} Choose a model with such layers.`,
  );
}

async function removalOf(
  context: AnalysisContext,
  layers: readonly LayerSigns[],
  { remove, removalSamples }: Settings,
): Promise<Found['removal']> {
  const signs = signsRemoved[remove];
  if (signs.length === 0) return 'remove is none';
  const scorer = await createModelScorer(context, removalSamples);
  if (typeof scorer === 'string') return scorer;
  const intact = await scorer.of(context.model);
  const removals = await measureRemovals(context, scorer, { layers, signs });
  return { name: scorer.name, intact, removals, sampleCount: scorer.sampleCount };
}

function draftOf({ counts, removal }: Found): ReportDraft {
  const { counted } = counts;
  const totals = totalsOf(counted);
  const kept = counted.filter((layer) => whyKept(layer) !== undefined).map(({ layer }) => layer.name);
  const read: Evidence = { kind: 'measured', how: 'every weight read' };
  const { values, evidence } = scoresOf(removal);
  return {
    title: 'Weight signs',
    summary: summaryOf(counts, removal),
    metrics: {
      negativeShare: totals.negativeShare,
      inhibitoryMassShare: totals.inhibitoryMassShare,
      weightCount: totals.weightCount,
      layerCount: counted.length,
      nonNegativeLayerCount: counted.filter(isNonNegative).length,
      ...values,
    },
    evidence: {
      ...Object.fromEntries(Object.keys(metrics).map((metric) => [metric, read])),
      ...evidence,
    },
    ...(typeof removal === 'string' ? {} : { usedCount: removal.sampleCount }),
    findings: findingsOf(counted),
    arrays: arraysOf(counted, read),
    blocks: blocksOf(counts, removal, Object.keys(values)),
    warnings:
      kept.length === 0 || typeof removal === 'string'
        ? []
        : [`No weights were removed in ${kept.join(', ')}: stored as integers or inside a body.`],
  };
}

function blocksOf(counts: SignCounts, removal: Found['removal'], scored: readonly string[]): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'negativeShare', label: 'Negative weights', format: 'percent' },
        { metric: 'inhibitoryMassShare', label: 'Inhibitory mass', format: 'percent' },
        { metric: 'weightCount', label: 'Weights', format: 'count' },
        { metric: 'nonNegativeLayerCount', label: 'Non-negative layers', format: 'count' },
        ...scored.map((metric) => ({
          metric,
          label: metrics[metric as keyof typeof metrics].title,
          format: 'percent' as const,
        })),
      ],
    },
    { type: 'findings', title: 'Findings' },
    massChart(counts.counted),
    ...(typeof removal === 'string' ? [] : [removalChart(counts.counted, removal)]),
    signTable(counts.counted),
    neuronSigns(counts.counted),
    ...uncountedBlocks(counts.uncounted),
    howToRead,
    { type: 'citation', papers: ['wang2022negative'] },
  ];
}

const howToRead: Block = {
  type: 'markdown',
  title: 'How to read this',
  folded: true,
  text: 'Weights are those that lead into a neuron, biases left out. Mass is the sum of sizes. A layer without negative weights and with an activation that never falls can only raise its outputs when its inputs rise. A weight that several layers share is removed in all of them.',
};

function scoresOf(removal: Found['removal']): {
  readonly values: Record<string, number>;
  readonly evidence: Record<string, Evidence>;
} {
  const keys = ['intactScore', 'scoreWithoutNegative', 'scoreWithoutPositive'] as const;
  const values: Record<string, number> = {};
  const evidence: Record<string, Evidence> = {};
  const scoreOf = (key: (typeof keys)[number]): number | undefined => {
    if (typeof removal === 'string') return undefined;
    if (key === 'intactScore') return removal.intact;
    const sign = key === 'scoreWithoutNegative' ? 'negative' : 'positive';
    return removal.removals.find((each) => each.sign === sign)?.all;
  };
  for (const key of keys) {
    const score = scoreOf(key);
    if (score !== undefined) values[key] = score;
    evidence[key] =
      typeof removal === 'string'
        ? { kind: 'not-captured', how: removal }
        : score === undefined
          ? { kind: 'not-captured', how: 'weights of this sign were not removed' }
          : { kind: 'measured', n: removal.sampleCount, how: removal.name };
  }
  return { values, evidence };
}

function summaryOf({ counted }: SignCounts, removal: Found['removal']): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const totals = totalsOf(counted);
  const first = `${percent(totals.negativeShare)} of ${totals.weightCount.toLocaleString('en')} weights in ${String(counted.length)} ${counted.length === 1 ? 'layer' : 'layers'} are negative, with ${percent(totals.inhibitoryMassShare)} of the mass`;
  const nonNegative = counted.filter(isNonNegative);
  const check =
    nonNegative.length === 0
      ? ''
      : nonNegative.length === counted.length
        ? '; no layer has a negative weight'
        : `; ${nonNegative.map(({ layer }) => layer.name).join(', ')} has none`;
  if (typeof removal === 'string') return `${first}${check}.`;
  const parts = removal.removals.map(({ sign, all }) => `${percent(all)} without the ${sign} ones`);
  return `${first}${check}. The ${removal.name} is ${percent(removal.intact)}, and ${parts.join(', ')}.`;
}

function findingsOf(layers: readonly LayerSigns[]): Finding[] {
  const findings: Finding[] = [];
  const nonNegative = layers.filter(isNonNegative);
  if (nonNegative.length === layers.length) {
    findings.push({
      severity: 'warning',
      message:
        'The network has no negative weight: with activations that never fall it only represents functions that never fall in any input.',
      advice:
        'If that is not meant, look for a constraint, an activation on the weights or a clipped export; a monotone model is right only where more of every input must mean more.',
    });
  }
  for (const { layer } of nonNegative) {
    findings.push({
      severity: 'info',
      address: formatAddress({ layer: layer.name }),
      message: `No weight of ${layer.name} is negative: it can only raise its outputs when its inputs rise.`,
      advice: 'Check whether a constraint or an initialisation keeps it so; averaging layers are rightly so.',
    });
  }
  for (const { layer, nonFiniteCount } of layers) {
    if (nonFiniteCount === 0) continue;
    findings.push({
      severity: 'error',
      address: formatAddress({ layer: layer.name }),
      message: `${nonFiniteCount === 1 ? '1 weight' : `${nonFiniteCount.toLocaleString('en')} weights`} of ${layer.name} ${nonFiniteCount === 1 ? 'is' : 'are'} NaN or infinite; they count for neither sign.`,
      advice: 'Training diverged, or the file is damaged: go back to the last sound checkpoint.',
    });
  }
  return findings;
}

function arraysOf(layers: readonly LayerSigns[], evidence: Evidence): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  for (const signs of layers) {
    const perUnit = { positiveCount: signs.positiveCount, negativeCount: signs.negativeCount };
    const all = { ...perUnit, excitatoryMass: signs.excitatoryMass, inhibitoryMass: signs.inhibitoryMass };
    for (const [name, data] of Object.entries(all)) {
      arrays[`${signs.layer.name}.${name}`] = {
        value: { dtype: 'float64', dims: [signs.unitCount], data },
        evidence,
      };
    }
  }
  return arrays;
}
