import type { Block } from '../../protocol/blocks.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { formatAddress } from '../../onnx/addresses.js';
import { formatNumber } from '../../protocol/formatReport.js';
import { defineAnalysis, type ReportDraft, type ResultArray, type SettingsOf } from '../analysis.js';
import { unjudgedBlocks } from '../shared/healthBlocks.js';
import { rmsSampleCount } from '../shared/sweep.js';
import { howToRead, layerTable, sparsityChart, thresholdChart } from './temporal/blocks.js';
import {
  curveMultiples,
  measureTemporal,
  type TemporalFigures,
  type TemporalLayer,
} from './temporal/measure.js';
import { savingsOf, sharesOf } from './temporal/shares.js';
import { planTemporal, readsSequences } from './temporal/targets.js';

const settings = {
  steps: {
    kind: 'choice',
    title: 'Steps',
    description:
      'What follows what: samples (the data are frames in order), positions (the tokens or times of each sample); auto takes positions where the model reads sequences.',
    default: 'auto',
    choices: ['auto', 'samples', 'positions'],
  },
  clip: {
    kind: 'integer',
    title: 'Frames of a clip',
    description: 'Where samples are frames: how many make a clip; default all of them are one.',
    default: null,
    minimum: 2,
    maximum: 1_000_000,
    appliesWhen: { steps: ['auto', 'samples'] },
  },
  threshold: {
    kind: 'number',
    title: 'Threshold',
    description: 'Changes up to this × the scale count as none; 0 counts only equal values.',
    default: 0.05,
    minimum: 0,
    maximum: 1e6,
  },
  scale: {
    kind: 'choice',
    title: 'Scale of the threshold',
    description: 'The RMS of each layer, or absolute: the threshold as it is.',
    default: 'rms',
    choices: ['rms', 'absolute'],
  },
} as const;

type Settings = SettingsOf<typeof settings>;

const metrics = {
  temporalSparsity: {
    title: 'Temporal sparsity',
    description: 'Share of elements that hardly change from step to step, the mean over layers.',
  },
  spatialSparsity: {
    title: 'Spatial sparsity',
    description: 'Share of elements near 0 on the same steps, the mean over layers.',
  },
  bothSparsity: {
    title: 'Near 0 and unchanged',
    description: 'Share of elements that are both, the mean over layers.',
  },
  temporalSaving: {
    title: 'Saved by deltas',
    description: 'Share of all multiply–accumulates that are with an element that hardly changed.',
  },
  spatialSaving: {
    title: 'Saved by zeros',
    description: 'Share of all multiply–accumulates that are with an element near 0.',
  },
  betterSaving: {
    title: 'Saved by the better',
    description: 'Share of all multiply–accumulates when each layer takes the better of both.',
  },
  stepCount: { title: 'Steps', description: 'Samples that had something before them to be compared with.' },
} as const;

/** Passes that counting takes a sample, as measured, and the short pass for the scale. */
const countPasses = 2.5;
const scalePasses = 1.1;

/** A layer that changes less than this is worth a word. */
const staticShare = 0.9;

/**
 * Temporal sparsity: the share of activations that hardly change from one step to the next.
 *
 * Per layer: #(|a(t) − a(t − 1)| ≤ θ) / #, θ = threshold × the layer's RMS, over all steps but the first of a clip; beside it
 * spatial sparsity #(|a(t)| ≤ θ) / #, both together, and the multiply–accumulates that either would spare. It assumes that
 * what follows in the data follows in time. High temporal sparsity: propagating only changes would save work where zeros do
 * not. Caveat: dropping changes below θ makes errors that add up over steps; this counts them, it does not propagate them.
 *
 * Source: Yousefzadeh & Sifalakis (2021), "Training for temporal sparsity in deep neural networks, application in video
 * processing", https://arxiv.org/abs/2107.07305. Differs: measures a model as it is; the paper trains with the layer.
 */
export const temporalSparsity = defineAnalysis({
  id: 'temporal-sparsity',
  question: 'health',
  title: 'Temporal sparsity',
  asks: 'How much of each layer stays the same from frame to frame, and what would that save?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  misleads: (model) =>
    readsSequences(model)
      ? undefined
      : 'whether its samples are frames that follow each other is not known, and shuffled ones have no time',
  metrics,
  papers: [
    {
      id: 'yousefzadeh2021',
      title: 'Training for temporal sparsity in deep neural networks, application in video processing',
      url: 'https://arxiv.org/abs/2107.07305',
      line: 101,
    },
  ],
  rows: [
    {
      line: 101,
      settings: { steps: 'samples' },
      limits:
        'Measures the model as it is: it neither trains with the delta layer nor runs on deltas, so the saving leaves out what keeping states costs. Savings are counted in convolutions and matrix products of the main graph.',
    },
  ],
  cost: (_settings, { sampleCount }) => {
    const scaled = Math.min(sampleCount, rmsSampleCount);
    return {
      passCount: countPasses * sampleCount + scalePasses * scaled,
      readCount: sampleCount + scaled,
    };
  },
  async run(context, chosen) {
    const { data } = context;
    if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
    const plan = await planTemporal(context, data, chosen.steps === 'auto' ? undefined : chosen.steps);
    const figures = await measureTemporal(
      context,
      { data, plan },
      {
        threshold: chosen.threshold,
        scale: chosen.scale,
        clipLength: chosen.clip ?? undefined,
        onBatch: (known) => {
          context.partial(() => draftOf(known, chosen));
        },
      },
    );
    return draftOf(figures, chosen);
  },
});

function draftOf(figures: TemporalFigures, chosen: Settings): ReportDraft {
  const layers = figures.layers.filter(({ source }) => source.layer !== undefined);
  const shares = layers.map(sharesOf);
  const mean = (of: (share: (typeof shares)[number]) => number): number =>
    shares.reduce((sum, share) => sum + of(share), 0) / shares.length;
  const savings = savingsOf(figures);
  const evidence: Evidence = { kind: 'measured', n: figures.stepCount };
  const values = {
    temporalSparsity: mean((share) => share.temporal),
    spatialSparsity: mean((share) => share.spatial),
    bothSparsity: mean((share) => share.both),
    temporalSaving: savings.temporal,
    spatialSaving: savings.spatial,
    betterSaving: savings.better,
    stepCount: figures.stepCount,
  };
  return {
    title: 'Temporal sparsity',
    summary: summaryOf(figures, values),
    metrics: values,
    evidence: Object.fromEntries(Object.keys(values).map((metric) => [metric, evidence])),
    findings: findingsOf(figures, values),
    arrays: arraysOf(figures, evidence),
    blocks: blocksOf(figures),
    warnings: [...figures.plan.warnings, ...stepWarnings(figures, chosen)],
  };
}

function blocksOf(figures: TemporalFigures): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'temporalSparsity', label: 'Temporal sparsity', format: 'percent' },
        { metric: 'spatialSparsity', label: 'Spatial sparsity', format: 'percent' },
        { metric: 'bothSparsity', label: 'Near 0 and unchanged', format: 'percent' },
        { metric: 'temporalSaving', label: 'Saved by deltas', format: 'percent' },
        { metric: 'spatialSaving', label: 'Saved by zeros', format: 'percent' },
        { metric: 'betterSaving', label: 'Saved by the better', format: 'percent' },
        { metric: 'stepCount', label: 'Steps', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    sparsityChart(figures),
    layerTable(figures),
    thresholdChart(figures),
    ...unjudgedBlocks(figures.plan.unmeasured),
    howToRead,
    { type: 'citation', papers: ['yousefzadeh2021'] },
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function summaryOf(
  { plan, stepCount }: TemporalFigures,
  { temporalSparsity: temporal, spatialSparsity: spatial, temporalSaving: saving }: Record<string, number>,
): string {
  const step = plan.steps === 'samples' ? 'sample' : 'position';
  if (stepCount === 0) return `No ${step} has another before it, so that nothing can have changed.`;
  const count = plan.steps === 'samples' ? 'steps' : 'samples';
  return `On average over the layers, ${percent(temporal ?? NaN)} of the outputs hardly change from one ${step} to the next, and ${percent(spatial ?? NaN)} are near 0, on ${formatNumber(stepCount, 'count')} ${count}; propagating only changes would skip ${percent(saving ?? NaN)} of the multiplications.`;
}

function stepWarnings({ plan }: TemporalFigures, { steps, clip }: Settings): string[] {
  if (steps !== 'auto') return [];
  return plan.steps === 'samples'
    ? [
        `The samples of the data were taken for frames that follow each other${clip === null ? ' in one clip' : ''}: set steps=positions if time runs inside each sample.`,
      ]
    : ['Time was taken to run along the positions of each sample: set steps=samples if it does not.'];
}

function findingsOf(
  { layers, stepCount }: TemporalFigures,
  { temporalSaving: temporal = 0, spatialSaving: spatial = 0 }: Record<string, number>,
): Finding[] {
  const still = layers
    .filter((layer) => layer.source.layer !== undefined && sharesOf(layer).temporal >= staticShare)
    .map((layer): Finding => ({
      severity: 'info',
      address: formatAddress({ layer: layer.source.label }),
      message: `${percent(sharesOf(layer).temporal)} of ${layer.source.label} hardly changes from step to step.`,
      advice:
        'What reads it could work on changes alone, or run at a lower rate; check that the data are not one frame repeated.',
    }));
  if (stepCount === 0 || temporal >= spatial) return still;
  return [
    ...still,
    {
      severity: 'info',
      message: `Changes spare less than zeros do: ${percent(temporal)} against ${percent(spatial)} of the multiplications.`,
      advice:
        'Check that the samples are in the order of time; if they are, skip zeros instead of propagating changes.',
    },
  ];
}

function arraysOf({ layers }: TemporalFigures, evidence: Evidence): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  const vector = (data: Float64Array): ResultArray => ({
    value: { dtype: 'float64', dims: [data.length], data },
    evidence,
  });
  for (const layer of layers) {
    const name = nameOf(layer);
    const shareOf = (counts: Float64Array): Float64Array => counts.map((count) => count / layer.elementCount);
    arrays[`${name}.unchangedFraction`] = vector(shareOf(layer.unchanged));
    arrays[`${name}.silentFraction`] = vector(shareOf(layer.silent));
    arrays[`${name}.unchangedByThreshold`] = vector(Float64Array.from(sharesOf(layer).curve));
    arrays[`${name}.thresholds`] = vector(
      Float64Array.from(curveMultiples, (multiple) => multiple * layer.threshold),
    );
  }
  return arrays;
}

function nameOf({ source }: TemporalLayer): string {
  return source.layer === undefined ? source.target.leaving : source.target.layer;
}
