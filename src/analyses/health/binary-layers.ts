import { counted, formatNumber } from '../../protocol/formatReport.js';
import { formatAddress } from '../../onnx/addresses.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import { measureBinary, type SiteFigures } from './binary/measure.js';
import {
  constantUnits,
  distributionChart,
  flipShare,
  flipChart,
  flipTable,
  oneShare,
  siteTable,
} from './binary/report.js';
import { binarySitesOf } from './binary/sites.js';

const settings = {
  meanScale: {
    kind: 'number',
    title: 'Scale of the mean',
    description:
      'A threshold that follows the mean lies this × (the mean of the instance − that of all data) above the own one.',
    default: 1,
    minimum: -100,
    maximum: 100,
  },
  thirdMomentScale: {
    kind: 'number',
    title: 'Scale of the third moment',
    description:
      'A threshold that follows the third moment lies this × E[z³] standard deviations above the own one. If a Gaussian moves a little, E[z³] is three times as far: 0.33 follows it.',
    default: 0.33,
    minimum: -100,
    maximum: 100,
  },
  rows: {
    kind: 'integer',
    title: 'Samples',
    description: 'The first samples, at most this many: two passes, and moments of every one are kept.',
    default: 1000,
    minimum: 1,
    maximum: 1_000_000,
  },
} as const;

const metrics = {
  layerCount: { title: 'Binarised layers', description: 'Places where real numbers become bits.' },
  unitCount: { title: 'Neurons', description: 'Units of these layers.' },
  oneShare: { title: 'Ones', description: 'Share of all bits that are 1.' },
  constantCount: { title: 'Constant bits', description: 'Neurons whose bit is the same everywhere.' },
  meanFlipShare: {
    title: 'Flips by the mean',
    description: 'Share of bits that differ if thresholds follow the mean of each instance.',
  },
  thirdMomentFlipShare: {
    title: 'Flips by the third moment',
    description: 'Share of bits that differ if thresholds follow the third moment of each instance.',
  },
  staticFlipShare: {
    title: 'Flips by own thresholds',
    description:
      'Share of bits that differ from those of fixed thresholds, where the model computes thresholds by instance.',
  },
  sampleCount: { title: 'Samples', description: 'Samples that were run.' },
} as const;

const flipMetrics = {
  meanFlipShare: 'mean',
  thirdMomentFlipShare: 'third-moment',
  staticFlipShare: 'static',
} as const;

/**
 * Binary layers: how far the inputs of a binarisation lie from its threshold, how instances differ, and which bits would flip.
 *
 * Per instance i and channel c: mean and variance over positions, and E[z³], z = (x − μ_c)/σ_c with μ, σ over all data; a dense
 * layer has one channel, over its units. Thresholds that follow instances: T = T₀ + α·σ·E[z] and T = T₀ + α·σ·E[z³]; a flip is a
 * bit that differs from the model's. Where the model computes thresholds by instance itself, its bits are compared with those of
 * the mean of its thresholds over the data. Many flips mean that a fixed threshold cuts instances at very different places; few,
 * that instances are alike. It assumes that bits near the threshold carry no more than others. Caveat: flips change what later
 * layers see, and these are counted for each layer on the untouched model.
 *
 * Source: Lee, Kim, Park & Kim (2023), "INSTA-BNN: Binary Neural Network with INSTAnce-aware Threshold",
 * https://arxiv.org/abs/2204.07439. Differs: the paper trains with such thresholds and learns their scales; here the scales are
 * settings, and the model stays as it was trained.
 */
export const binaryLayers = defineAnalysis({
  id: 'binary-layers',
  question: 'health',
  title: 'Binary layers',
  asks: 'Where do real numbers become bits, how near the threshold are they, and would other thresholds flip them?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'lee2023insta',
      title: 'INSTA-BNN: Binary Neural Network with INSTAnce-aware Threshold',
      url: 'https://arxiv.org/abs/2204.07439',
      line: 55,
    },
  ],
  rows: [
    {
      line: 55,
      limits:
        'Binarisations are Sign and comparisons with a constant in the main graph, behind a layer; binarised weights are not looked at. The paper learns the scales of its thresholds in training: here they are settings. Padding counts as any position.',
    },
  ],
  cost: ({ rows }, { sampleCount }) => {
    const count = Math.min(sampleCount, rows);
    return { passCount: 2 * count, readCount: 2 * count };
  },
  async run(context, { meanScale, thirdMomentScale, rows }) {
    const { sites, warnings } = await binarySitesOf(context);
    const sampleCount = Math.min(rows, context.limit ?? Infinity, context.data?.sampleCount ?? 0);
    const scales = { mean: meanScale, thirdMoment: thirdMomentScale };
    return draftOf(await measureBinary(context, { sites, scales, sampleCount }), warnings);
  },
});

function draftOf(figures: readonly SiteFigures[], warnings: readonly string[]): ReportDraft {
  const sampleCount = figures[0]?.sampleCount ?? 0;
  const measured: Evidence = { kind: 'measured', n: sampleCount };
  const { values, evidence } = numbersOf(figures, measured);
  return {
    title: 'Binary layers',
    summary: summaryOf(figures, values),
    usedCount: sampleCount,
    metrics: values,
    evidence,
    findings: findingsOf(figures),
    arrays: arraysOf(figures, measured),
    blocks: [
      {
        type: 'metrics',
        items: Object.keys(values).map((metric) => ({
          metric,
          label: metrics[metric as keyof typeof metrics].title,
          format: metric.endsWith('Share') ? 'percent' : 'count',
        })),
      },
      { type: 'findings', title: 'Findings' },
      distributionChart(figures),
      flipChart(figures),
      siteTable(figures),
      flipTable(figures),
      { type: 'citation', papers: ['lee2023insta'] },
    ],
    warnings: [...warnings],
  };
}

function numbersOf(
  figures: readonly SiteFigures[],
  measured: Evidence,
): { readonly values: Record<string, number>; readonly evidence: Record<string, Evidence> } {
  const values: Record<string, number> = {
    layerCount: figures.length,
    unitCount: figures.reduce((sum, { site }) => sum + site.target.unitCount, 0),
    oneShare: oneShare(figures),
    constantCount: figures.reduce((sum, one) => sum + constantUnits(one).length, 0),
    sampleCount: figures[0]?.sampleCount ?? 0,
  };
  const evidence: Record<string, Evidence> = Object.fromEntries(
    Object.keys(values).map((key) => [key, measured]),
  );
  for (const [metric, rule] of Object.entries(flipMetrics)) {
    const share = flipShare(figures, rule);
    if (share !== undefined) values[metric] = share;
    const how =
      rule === 'static' ? 'no threshold is computed by instance' : 'every threshold is computed by instance';
    evidence[metric] = share === undefined ? { kind: 'not-captured', how } : measured;
  }
  return { values, evidence };
}

function summaryOf(figures: readonly SiteFigures[], values: Readonly<Record<string, number>>): string {
  const percent = (share = NaN): string => `${(100 * share).toFixed(1)} %`;
  const layers = figures.length === 1 ? '1 binarised layer' : `${String(figures.length)} binarised layers`;
  const { meanFlipShare, thirdMomentFlipShare, staticFlipShare, oneShare: ones, sampleCount } = values;
  const flips = [
    meanFlipShare === undefined
      ? ''
      : ` Thresholds that follow the mean of each instance would flip ${percent(meanFlipShare)} of the bits, those that follow its third moment ${percent(thirdMomentFlipShare)}.`,
    staticFlipShare === undefined
      ? ''
      : ` Thresholds that the model computes by instance flip ${percent(staticFlipShare)} of the bits that fixed ones would give.`,
  ];
  return `${percent(ones)} of the bits of ${layers} are 1 on ${counted(sampleCount ?? 0, 'sample')}.${flips.join('')}`;
}

function findingsOf(figures: readonly SiteFigures[]): Finding[] {
  return figures.flatMap((one): Finding[] => {
    const constant = constantUnits(one);
    const [first] = constant;
    if (first === undefined) return [];
    const { layer, target } = one.site;
    const count = `${formatNumber(constant.length, 'count')} of ${formatNumber(target.unitCount, 'count')} bits`;
    return [
      {
        severity: 'warning',
        address: formatAddress({ layer, unit: first }),
        message: `${count} of ${layer} never change: unit ${String(first)} ${constant.length === 1 ? 'is one' : 'is the first'}.`,
        advice:
          'They are constants: fold them into the next layer, or move their thresholds and train again.',
      },
    ];
  });
}

function arraysOf(figures: readonly SiteFigures[], evidence: Evidence): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  const put = (name: string, dims: readonly number[], data: Float64Array): void => {
    arrays[name] = { value: { dtype: 'float64', dims, data }, evidence };
  };
  for (const { site, sampleCount, channelCount, ...one } of figures) {
    const { name, target } = site;
    put(`${name}.instanceMean`, [sampleCount, channelCount], one.mean);
    put(`${name}.instanceVariance`, [sampleCount, channelCount], one.variance);
    put(`${name}.instanceThirdMoment`, [sampleCount, channelCount], one.thirdMoment);
    put(`${name}.ones`, [target.unitCount], one.ones);
    put(`${name}.distances`, [one.histogram.length], one.histogram);
    for (const [rule, flips] of one.flips) {
      put(`${name}.${rule === 'third-moment' ? 'thirdMoment' : rule}Flips`, [target.unitCount], flips);
    }
  }
  return arrays;
}
