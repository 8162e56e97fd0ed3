import { basename } from 'node:path';
import { UserError } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import { formatAddress } from '../../onnx/addresses.js';
import type { Block } from '../../protocol/blocks.js';
import { counted, formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import {
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type ResultArray,
  type SettingsOf,
} from '../analysis.js';
import { type LayerPlan, planLayers, unmeasuredBlocks } from '../shared/layerPlan.js';
import { sampleTotalOf } from '../shared/sweep.js';
import {
  channelTable,
  type DataNames,
  layerChart,
  layerTable,
  partChart,
} from './divergence/divergenceReport.js';
import {
  finiteMean,
  type LayerDivergence,
  layerDivergences,
  normDivergence,
  type PartDivergence,
  partDivergences,
} from './divergence/divergences.js';
import { chanceDivergence } from './divergence/gaussians.js';
import { measureChannels, type MeasuredGroup } from './divergence/measureChannels.js';
import { normParts } from './divergence/normParts.js';

const settings = {
  against: {
    kind: 'text',
    format: 'path',
    title: 'Other data',
    description:
      'Data of another domain, read as those of the run are, or an inspect file of their own; default none: two halves of the data, drawn with the seed, show what chance alone gives.',
    default: null,
  },
  values: {
    kind: 'choice',
    title: 'Values',
    description:
      'means: the Gaussian of a channel is of its mean over the positions of each sample; elements: of every position of every sample.',
    default: 'means',
    choices: ['means', 'elements'],
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

const metrics = {
  meanDivergence: {
    title: 'Divergence',
    description: 'Symmetric KL divergence in nats, mean of the channels of a layer, then of the layers.',
  },
  largestDivergence: { title: 'Largest layer', description: 'Divergence of the layer that shifts most.' },
  chanceDivergence: {
    title: 'By chance',
    description: 'What two samples of one distribution, as large as these, give on average.',
  },
  inDivergence: {
    title: 'Behind IN',
    description: 'Mean divergence of the instance-normalised channels of IBN blocks.',
  },
  bnDivergence: {
    title: 'Behind BN',
    description: 'Mean divergence of the batch-normalised channels of IBN blocks.',
  },
  separatedCount: {
    title: 'On one only',
    description: 'Channels that are constant on one of the data sets only, or differently on both.',
  },
  layerCount: { title: 'Layers', description: 'Layers whose channels were measured.' },
} as const;

/**
 * Domain divergence: how far the features of each layer are apart on two data sets, and whether instance normalisation helps.
 *
 * With μ and σ² of a channel on data sets A and B: D = KL(A‖B) + KL(B‖A) = ½ [(σ_A² + Δ²)/σ_B² + (σ_B² + Δ²)/σ_A²] − 1 with
 * Δ = μ_A − μ_B, averaged over the channels of a layer. A channel that is constant on both counts 0, and one that is constant
 * on one only is counted apart, for its D has no bound. Assumes Gaussian channels; equal ones give about 2/n + 2/m by chance.
 * Caveat: a shift says that the data differ for the model, no more: whether it errs there is seen by its accuracy on both.
 *
 * Source: Pan, Luo, Shi & Tang (2018), "Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net",
 * https://arxiv.org/abs/1807.09441. Differs: every layer is measured, and channels without spread are kept apart.
 */
export const domainDivergence = defineAnalysis({
  id: 'domain-divergence',
  question: 'health',
  title: 'Domain divergence',
  asks: 'At which layers do two data sets look different to the model?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'pan2018',
      title: 'Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net',
      url: 'https://arxiv.org/abs/1807.09441',
      line: 117,
    },
  ],
  rows: [
    {
      line: 117,
      settings: { against: 'other.npz' },
      limits:
        'IN against BN needs recognised IBN blocks whose batch normalisation is still in the graph; exporters fold those right behind a convolution. Layers inside bodies are not read.',
    },
  ],
  cost: ({ against }, { sampleCount }) => {
    // Nothing is known of the other data before they are opened: taken to be as many.
    const count = against === null ? sampleCount : 2 * sampleCount;
    return { passCount: 1.1 * count, readCount: count };
  },
  run: examine,
});

interface Found {
  readonly names: DataNames;
  readonly isOther: boolean;
  readonly groups: readonly [MeasuredGroup, MeasuredGroup];
  readonly layers: readonly LayerDivergence[];
  readonly parts: readonly PartDivergence[];
  readonly plan: LayerPlan;
  readonly warnings: readonly string[];
  /** Undefined where samples are not what the Gaussians are of. */
  readonly chance: number | undefined;
}

async function examine(context: AnalysisContext, { against, values }: Settings): Promise<ReportDraft> {
  const { data } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  const other = against === null ? undefined : await context.openData(against);
  const plan = await planLayers(context, data);
  if (plan.targets.length === 0) throw noLayer(plan);
  const groups = await measureBoth(context, { data, other, plan, values });
  const few = groups.findIndex(({ sampleCount }) => sampleCount < 2);
  if (few >= 0) throw tooFew(few === 1 && other !== undefined ? other : data, other === undefined);
  const operators = plan.targets.map(({ layer }) => ({
    layer,
    operator: plan.table.byName.get(layer)?.operator ?? '',
  }));
  const layers = layerDivergences(operators, groups);
  const unitCounts = new Map(plan.targets.map(({ layer, unitCount }) => [layer, unitCount]));
  const [a, b] = groups;
  return draftOf({
    names: namesOf(data, other),
    isOther: other !== undefined,
    groups,
    layers,
    parts: partDivergences(normParts(plan.table, unitCounts), layers),
    plan,
    warnings: other?.warnings ?? [],
    chance: values === 'means' ? chanceDivergence(a.sampleCount, b.sampleCount) : undefined,
  });
}

async function measureBoth(
  context: AnalysisContext,
  {
    data,
    other,
    plan,
    values,
  }: {
    readonly data: Dataset;
    readonly other: Dataset | undefined;
    readonly plan: LayerPlan;
    readonly values: Settings['values'];
  },
): Promise<[MeasuredGroup, MeasuredGroup]> {
  const { targets } = plan;
  const shown = (from: number, width: number, name: string) => (fraction: number) => {
    context.progress({ fractionDone: from + width * fraction, message: `Measuring channels on ${name}` });
  };
  const common = { targets, of: values };
  const [name, otherName] = namesOf(data, other);
  if (other === undefined) {
    const order = context.random.permutation(sampleTotalOf({ data, limit: context.limit }));
    const groupOf = (index: number): number => ((order[index] ?? 0) < order.length / 2 ? 0 : 1);
    const request = { ...common, groupOf, groupCount: 2, onBatch: shown(0, 1, data.path) };
    return (await measureChannels(context, data, request)) as [MeasuredGroup, MeasuredGroup];
  }
  const alone = { ...common, groupOf: () => 0, groupCount: 1 };
  const own = await measureChannels(context, data, { ...alone, onBatch: shown(0, 0.5, name) });
  const others = await measureChannels(context, other, { ...alone, onBatch: shown(0.5, 0.5, otherName) });
  return [...own, ...others] as [MeasuredGroup, MeasuredGroup];
}

function namesOf(data: Dataset, other: Dataset | undefined): DataNames {
  if (other === undefined) return ['one half of the data', 'the other half'];
  const [own, others] = [basename(data.path), basename(other.path)];
  return own === others ? ['the data', `the other ${others}`] : [own, others];
}

function noLayer({ unmeasured: [first] }: LayerPlan): UserError {
  const example = first === undefined ? '' : ` For example, ${first.layer}: ${first.reason}.`;
  return new UserError(
    'no-channels',
    `No layer of this model has channels that can be measured.${example} Choose a model with convolutions, dense layers or normalisations in its main graph.`,
  );
}

function tooFew({ path, sampleCount }: Dataset, isHalved: boolean): UserError {
  const needed = isHalved ? 'at least four, two for each half, or set against to other data' : 'at least two';
  return new UserError(
    'too-few-samples',
    `${path} has ${sampleCount} sample${sampleCount === 1 ? '' : 's'}, too few for the variance of a channel. Pass ${needed}, and no limit below that.`,
    { detail: { path, sampleCount } },
  );
}

function draftOf(found: Found): ReportDraft {
  const { groups, layers, parts, names, plan, chance, warnings } = found;
  const values = metricsOf(found);
  const sampleCount = groups[0].sampleCount + groups[1].sampleCount;
  const measured: Evidence = {
    kind: 'measured',
    n: sampleCount,
    how: `${groups[0].sampleCount} of ${names[0]}, ${groups[1].sampleCount} of ${names[1]}`,
  };
  const estimated: Evidence = { kind: 'estimated', n: sampleCount, how: '2/n + 2/m, to first order' };
  const evidenceOf = (key: string): Evidence => {
    if (key in values) return key === 'chanceDivergence' ? estimated : measured;
    return { kind: 'not-captured', how: whyMissing(key) };
  };
  return {
    title: 'Domain divergence',
    summary: summaryOf(found, values),
    usedCount: found.isOther ? groups[0].sampleCount : sampleCount,
    metrics: values,
    evidence: Object.fromEntries(Object.keys(metrics).map((key) => [key, evidenceOf(key)])),
    findings: findingsOf(found, values),
    arrays: arraysOf(layers, measured),
    blocks: [
      { type: 'metrics', items: metricItems(Object.keys(values)) },
      { type: 'findings', title: 'Findings' },
      layerChart(layers, chance, names),
      ...(parts.length === 0 ? [] : [partChart(parts)]),
      layerTable(layers),
      channelTable(layers, names),
      ...unmeasuredBlocks(plan.unmeasured),
      howToRead,
      { type: 'citation', papers: ['pan2018'] },
    ],
    warnings: [...warnings],
  };
}

function whyMissing(key: string): string {
  if (key === 'chanceDivergence') return 'elements of one sample are not independent';
  if (key === 'inDivergence' || key === 'bnDivergence') return 'no such channels in a recognised IBN block';
  return 'no layer has channels with a finite divergence';
}

function metricItems(keys: readonly string[]) {
  return keys.map((metric) => ({
    metric,
    label: metrics[metric as keyof typeof metrics].title,
    ...(metric.endsWith('Count') ? { format: 'count' as const } : { unit: 'nats' }),
  }));
}

const howToRead: Block = {
  type: 'markdown',
  title: 'How to read this',
  folded: true,
  text: 'Every channel is taken as a Gaussian on each data set; the divergence is 0 where both agree, and grows with the distance of the means in standard deviations and with the ratio of the spreads. A mean that moves by one standard deviation gives 1. A shift of style (colour, contrast, noise) is there from the first layers on; instance normalisation takes it out of its channels, batch normalisation passes it on.',
};

function metricsOf({ layers, parts, chance }: Found): Record<string, number> {
  const means = Float64Array.from(layers, ({ mean }) => mean).filter(Number.isFinite);
  const [ofIn, ofBn] = [normDivergence(parts, 'IN'), normDivergence(parts, 'BN')];
  return {
    ...(means.length === 0
      ? {}
      : { meanDivergence: finiteMean(means), largestDivergence: Math.max(...means) }),
    ...(chance === undefined ? {} : { chanceDivergence: chance }),
    ...(ofIn === undefined ? {} : { inDivergence: ofIn }),
    ...(ofBn === undefined ? {} : { bnDivergence: ofBn }),
    separatedCount: layers.reduce((sum, { separatedCount }) => sum + separatedCount, 0),
    layerCount: layers.length,
  };
}

function largestOf(layers: readonly LayerDivergence[]): LayerDivergence | undefined {
  return layers
    .filter(({ mean }) => Number.isFinite(mean))
    .reduce<LayerDivergence | undefined>(
      (most, at) => (most === undefined || at.mean > most.mean ? at : most),
      undefined,
    );
}

function summaryOf({ names, layers, chance }: Found, values: Record<string, number>): string {
  const number = (key: string): string => formatNumber(values[key] ?? NaN);
  const largest = largestOf(layers);
  if (largest === undefined) return `No channel has a finite divergence between ${names[0]} and ${names[1]}.`;
  const alone = chance === undefined ? '' : ` (chance alone gives ${formatNumber(chance)})`;
  const first = `Between ${names[0]} and ${names[1]} the features of ${counted(layers.length, 'layer')} diverge by ${number('meanDivergence')} nats on average${alone}, most at ${largest.layer}, by ${formatNumber(largest.mean)}`;
  if (!('inDivergence' in values && 'bnDivergence' in values)) return `${first}.`;
  return `${first}; channels behind instance normalisation by ${number('inDivergence')}, behind batch normalisation by ${number('bnDivergence')}.`;
}

/** Times what chance gives, from where on a layer is said to shift. */
const clearlyMore = 10;

function findingsOf({ layers, names, chance, isOther }: Found, values: Record<string, number>): Finding[] {
  const findings: Finding[] = [];
  for (const { layer, nonFiniteCount } of layers) {
    if (nonFiniteCount === 0) continue;
    findings.push({
      severity: 'error',
      address: formatAddress({ layer }),
      message: `${nonFiniteCount} channels of ${layer} are NaN or infinite on one of the data sets.`,
      advice: 'Look for NaN in the data and for overflow in the layers before this one.',
    });
  }
  const largest = largestOf(layers);
  if (isOther && chance !== undefined && largest !== undefined && largest.mean > clearlyMore * chance) {
    findings.push({
      severity: 'info',
      address: formatAddress({ layer: largest.layer }),
      message: `${largest.layer} shifts most from ${names[0]} to ${names[1]}: by ${formatNumber(largest.mean)} nats, where chance gives ${formatNumber(chance)}.`,
      advice:
        'Compare the accuracy on both. A shift from the first layers on is one of style: normalise the inputs alike, augment colour and contrast, or use instance normalisation early.',
    });
  }
  const apart = values['separatedCount'] ?? 0;
  if (apart > 0) {
    const most = layers.reduce((a, b) => (b.separatedCount > a.separatedCount ? b : a));
    findings.push({
      severity: 'warning',
      address: formatAddress({ layer: most.layer }),
      message: `${apart} channels are constant on one of the data sets only, most of them at ${most.layer}.`,
      advice: 'They are silent on one domain: see dead-neurons on each, and whether inputs are scaled alike.',
    });
  }
  return findings;
}

function arraysOf(layers: readonly LayerDivergence[], evidence: Evidence): Record<string, ResultArray> {
  const column = (data: Float64Array): ResultArray => ({
    value: { dtype: 'float64', dims: [data.length], data },
    evidence,
  });
  return Object.fromEntries([
    ['layerDivergence', column(Float64Array.from(layers, ({ mean }) => mean))],
    ...layers.map(({ layer, channels }) => [`${layer}.divergence`, column(channels)] as const),
  ]);
}
