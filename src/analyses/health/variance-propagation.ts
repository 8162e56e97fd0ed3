import { counted, formatNumber } from '../../protocol/formatReport.js';
import { UserError } from '../../base/errors.js';
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
import { planActivations } from '../shared/activationPlan.js';
import { measureBackward, measureForward } from './variance/measureVariance.js';
import { measureNormalised, type NormalisedLayer } from '../shared/normalisedLayers.js';
import { normalisedBlocks } from '../shared/normalisedReport.js';
import { propagate, type PropagatedActivation } from './variance/propagation.js';
import { isSelu, type LecunCheck, lecunChecks, selfNormalizingFindings } from './variance/selfNormalizing.js';
import { depthCharts, fixedPointTable, gainTable } from './variance/varianceReport.js';

const settings = {
  view: {
    kind: 'choice',
    title: 'View',
    description:
      'variance: how variances travel forward and backward; self-normalizing: SELU against its fixed point first.',
    default: 'variance',
    choices: ['variance', 'self-normalizing'],
  },
  samples: {
    kind: 'integer',
    title: 'Samples',
    description:
      'Forward moments rest on the first samples, at most this many; gradients on the first batch.',
    default: 512,
    minimum: 1,
    maximum: 1_000_000,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

const metrics = {
  activationCount: { title: 'Activations', description: 'Activations that were measured.' },
  forwardGrowth: {
    title: 'Forward growth',
    description: 'Mean square in front of the last activation over that in front of the first.',
  },
  backwardGrowth: {
    title: 'Backward growth',
    description: 'Mean square of the gradient at the first activation over that at the last.',
  },
  normalisedCount: {
    title: 'Normalised layers',
    description:
      'Recognised normalisations, with or without an activation, that were measured before and after.',
  },
  inconsistentCount: {
    title: 'Not LeCun',
    description: 'Layers in front of SELU whose fan-in × variance is away from 1.',
  },
} as const;

/**
 * Variance propagation: how the variance of signals and of gradients grows from layer to layer, and the gain that would hold it.
 *
 * For z ~ N(μ, σ²) as measured in front of an activation f, E f(z)² and E f′(z)² come from adaptive piecewise quadrature of the
 * activation itself, cut out of the model. Forward: E z² in front of the next is fan-in · E w² · E f² + E b². Backward: E (∂L/∂z)² is
 * fan-out · E w² · E f′² times the next one’s. Stable gains are √(E z²/E f²) on √fan-in and 1/√(E f′²) on √fan-out. Assumes weights
 * independent of what they weigh, as drawn ones are: a trained network departs from the prediction by what it learned. SELU maps
 * (0, 1) to itself with LeCun’s weights. Caveat: padding and pooling are not in the prediction; units of several scales are no normal.
 *
 * Every recognised normalisation (EvoNorm, or batch, layer, instance, group and RMS normalisation with the activation behind it) has
 * its mean, variance and the spread of its units before and after.
 *
 * Source: Hewa Koneputugodage, Ben-Shabat, Ramasinghe & Gould (2025), "VI3NR: Variance Informed Initialization for Implicit
 * Neural Representations", https://arxiv.org/abs/2504.19270; Klambauer, Unterthiner, Mayr & Hochreiter (2017),
 * "Self-Normalizing Neural Networks", https://arxiv.org/abs/1706.02515; Liu, Brock, Simonyan &
 * Le (2020), "Evolving Normalization-Activation Layers", https://arxiv.org/abs/2004.02967. Differs: quadrature in place of Monte Carlo, and the
 * measured mean in place of 0.
 */
export const variancePropagation = defineAnalysis({
  id: 'variance-propagation',
  question: 'health',
  title: 'Variance propagation',
  asks: 'Do signals and gradients keep their size through the layers?',
  needs: { data: 'required', labels: 'optional', gradients: true },
  settings,
  metrics,
  papers: [
    {
      id: 'koneputugodage2025',
      title: 'VI3NR: Variance Informed Initialization for Implicit Neural Representations',
      url: 'https://arxiv.org/abs/2504.19270',
      line: 41,
    },
    {
      id: 'klambauer2017',
      title: 'Self-Normalizing Neural Networks',
      url: 'https://arxiv.org/abs/1706.02515',
      line: 43,
    },
    {
      id: 'liu2020evonorm',
      title: 'Evolving Normalization-Activation Layers',
      url: 'https://arxiv.org/abs/2004.02967',
      line: 83,
    },
  ],
  rows: [
    {
      line: 41,
      limits:
        'Measures and predicts; no weights are drawn anew. Predictions need an activation of one number and a convolution or dense layer right behind it, in float32; padding and pooling are not in them.',
    },
    {
      line: 43,
      settings: { view: 'self-normalizing' },
      limits:
        'The map is evaluated at each layer’s measured input. Dropout is flagged where the exported graph still has it, right behind SELU.',
    },
    {
      line: 83,
      limits:
        'The statistics before and after each recognised layer; the search for layers is not done. Units of EvoNorm are on axis 1, and layers inside bodies are not read.',
    },
  ],
  cost({ samples }, { sampleCount }) {
    const count = Math.min(samples, sampleCount);
    return { passCount: 5 * count, readCount: 2 * count };
  },
  run: examine,
});

interface Found {
  readonly activations: readonly PropagatedActivation[];
  readonly checks: readonly LecunCheck[];
  readonly selfNormalizing: readonly Finding[];
  readonly gradients: ReadonlyMap<string, number> | string;
  readonly normalised: readonly NormalisedLayer[];
  readonly sampleCount: number;
}

async function examine(context: AnalysisContext, chosen: Settings): Promise<ReportDraft> {
  const { data, model } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  const plan = await context.shared.once('activations', () => planActivations(context, data));
  const table = layersOf(model, inferTypes(model));
  const targets = plan.targets.filter(
    ({ layer, entering }) => entering !== undefined && table.byName.get(layer)?.kind === 'activation',
  );
  const sampleCount = Math.min(chosen.samples, data.sampleCount, context.limit ?? Infinity);
  const normalised = await measureNormalised(context, data, sampleCount);
  if (targets.length === 0 && normalised.length === 0) throw nothingToMeasure();
  const measured =
    targets.length === 0 ? [] : await measureForward(context, data, { targets, limit: sampleCount });
  const gradients =
    targets.length === 0 ? 'there is no activation' : await measureBackward(context, data, targets);
  const activations = await propagate(context, table, { measured, gradients });
  const checks = await lecunChecks(activations, table);
  const selfNormalizing = selfNormalizingFindings(activations, checks, table);
  return draftOf({ activations, checks, selfNormalizing, gradients, normalised, sampleCount }, chosen);
}

function nothingToMeasure(): UserError {
  return new UserError(
    'no-activations',
    'This model has no activation and no normalisation in its main graph whose input and output can be measured. Choose a model with ReLU, GELU, SELU or the like.',
  );
}

function draftOf(found: Found, { view }: Settings): ReportDraft {
  const { activations, gradients, selfNormalizing, sampleCount } = found;
  const values = metricsOf(found);
  const evidence: Evidence = { kind: 'measured', n: sampleCount };
  const reason =
    typeof gradients === 'string' ? gradients : 'there is no SELU, or no gradient reaches an activation';
  const missing: Evidence = { kind: 'not-captured', how: reason };
  return {
    title: 'Variance propagation',
    summary: summaryOf(found, values),
    usedCount: sampleCount,
    metrics: values,
    evidence: Object.fromEntries(
      Object.keys(metrics).map((key) => [key, key in values ? evidence : missing]),
    ),
    findings: [...selfNormalizing, ...growthFindings(values)],
    arrays: { ...arraysOf(activations, evidence), ...normalisedArrays(found.normalised, evidence) },
    blocks: blocksOf(found, view, Object.keys(values)),
    warnings:
      typeof gradients === 'string' && activations.length > 0
        ? [`Gradients were not measured: ${gradients}`]
        : [],
  };
}

function metricsOf({ activations, checks, normalised }: Found): Record<string, number> {
  const [first, last] = [activations[0], activations.at(-1)];
  const values: Record<string, number> = {
    activationCount: activations.length,
    normalisedCount: normalised.length,
  };
  if (first !== undefined && last !== undefined) {
    values['forwardGrowth'] = last.entering.square / first.entering.square;
  }
  if (first?.gradientSquare !== undefined && last?.gradientSquare !== undefined) {
    values['backwardGrowth'] = first.gradientSquare / last.gradientSquare;
  }
  if (activations.some(isSelu)) {
    values['inconsistentCount'] = checks.filter(({ isConsistent }) => !isConsistent).length;
  }
  return values;
}

function summaryOf({ activations, checks, normalised }: Found, values: Record<string, number>): string {
  const times = (value: number | undefined): string => formatNumber(value ?? NaN);
  const norms = normalisedText(normalised);
  if (activations.length === 0) return norms;
  const back =
    'backwardGrowth' in values
      ? `, and that of gradients by ${times(values['backwardGrowth'])} on the way back`
      : '';
  const first = `Over ${counted(activations.length, 'activation')} the mean square of what enters changes by a factor of ${times(values['forwardGrowth'])}${back}`;
  const selu = activations.filter(isSelu).at(-1);
  if (selu === undefined) return norms === '' ? `${first}.` : `${first}. ${norms}`;
  const off = checks.filter(({ isConsistent }) => !isConsistent).length;
  return `${first}; the last SELU gives mean ${selu.leaving.mean.toFixed(2)} and variance ${selu.leaving.variance.toFixed(2)}, and ${off} of ${checks.length} layers in front of SELU are not LeCun's.`;
}

function normalisedText(layers: readonly NormalisedLayer[]): string {
  if (layers.length === 0) return '';
  const range = (of: (layer: NormalisedLayer) => number): string => {
    const values = layers.map(of);
    return `${formatNumber(Math.min(...values))}–${formatNumber(Math.max(...values))}`;
  };
  const which =
    layers.length === 1 ? '1 normalised layer brings' : `${layers.length} normalised layers bring`;
  return `${which} variances of ${range(({ before }) => before.variance)} to ${range(({ after }) => after.variance)}.`;
}

/** Factors over all layers beyond which training suffers. */
const largeGrowth = 100;

function growthFindings(values: Record<string, number>): Finding[] {
  const ways = [
    ['forwardGrowth', 'signals', 'from the first activation to the last'],
    ['backwardGrowth', 'gradients', 'from the last activation back to the first'],
  ] as const;
  return ways.flatMap(([key, what, where]): Finding[] => {
    const growth = values[key];
    if (growth === undefined || (growth < largeGrowth && growth > 1 / largeGrowth)) return [];
    return [
      {
        severity: 'warning',
        message: `The mean square of ${what} changes by a factor of ${formatNumber(growth)} ${where}.`,
        advice:
          'Compare Gain with Stable gain layer by layer: initialise with the stable one, or normalise between layers.',
      },
    ];
  });
}

function blocksOf(
  { activations, checks, normalised }: Found,
  view: Settings['view'],
  measured: readonly string[],
): Block[] {
  const selu: Block[] = activations.some(isSelu) ? [fixedPointTable(activations, checks)] : [];
  const variance: Block[] =
    activations.length === 0 ? [] : [...depthCharts(activations), gainTable(activations)];
  return [
    {
      type: 'metrics',
      items: measured.map((metric) => ({ metric, label: metrics[metric as keyof typeof metrics].title })),
    },
    { type: 'findings', title: 'Findings' },
    ...(view === 'variance' ? [...variance, ...selu] : [...selu, ...variance]),
    ...normalisedBlocks(normalised),
    ...unpredicted(activations),
    { type: 'citation', papers: ['koneputugodage2025', 'klambauer2017', 'liu2020evonorm'] },
  ];
}

function unpredicted(activations: readonly PropagatedActivation[]): Block[] {
  const rows = activations.flatMap(({ layer, predicted, reader }) => {
    if (typeof predicted === 'string') return [{ layer: layer.name, reason: predicted }];
    if (reader !== undefined) return [];
    return [
      {
        layer: layer.name,
        reason: 'no convolution or dense layer reads it directly: no prediction of what follows',
      },
    ];
  });
  if (rows.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Not predicted',
      folded: true,
      columns: [
        { key: 'layer', label: 'Activation', kind: 'address' },
        { key: 'reason', label: 'Why', kind: 'text' },
      ],
      rows,
    },
  ];
}

function arraysOf(
  activations: readonly PropagatedActivation[],
  evidence: Evidence,
): Record<string, ResultArray> {
  const column = (of: (each: PropagatedActivation) => number | undefined): ResultArray => ({
    value: {
      dtype: 'float64',
      dims: [activations.length],
      data: Float64Array.from(activations, (each) => of(each) ?? NaN),
    },
    evidence,
  });
  const predicted = (of: 'mean' | 'square' | 'slopeSquare') =>
    column(({ predicted: moments }) => (typeof moments === 'string' ? undefined : moments[of]));
  return {
    enteringMean: column(({ entering }) => entering.mean),
    enteringVariance: column(({ entering }) => entering.variance),
    leavingMean: column(({ leaving }) => leaving.mean),
    leavingVariance: column(({ leaving }) => leaving.variance),
    predictedMean: predicted('mean'),
    predictedSquare: predicted('square'),
    predictedSlopeSquare: predicted('slopeSquare'),
    predictedNextSquare: column(({ nextSquare }) => nextSquare),
    gradientSquare: column(({ gradientSquare }) => gradientSquare),
    predictedGradientSquare: column(({ predictedGradientSquare }) => predictedGradientSquare),
  };
}

function normalisedArrays(
  layers: readonly NormalisedLayer[],
  evidence: Evidence,
): Record<string, ResultArray> {
  if (layers.length === 0) return {};
  const column = (of: (layer: NormalisedLayer) => number): ResultArray => ({
    value: { dtype: 'float64', dims: [layers.length], data: Float64Array.from(layers, of) },
    evidence: { ...evidence, how: layers.map(({ name }) => name).join(', ') },
  });
  return {
    normalisedMeanBefore: column(({ before }) => before.mean),
    normalisedMeanAfter: column(({ after }) => after.mean),
    normalisedVarianceBefore: column(({ before }) => before.variance),
    normalisedVarianceAfter: column(({ after }) => after.variance),
    unitSpreadBefore: column(({ before }) => before.meanSpread),
    unitSpreadAfter: column(({ after }) => after.meanSpread),
  };
}
