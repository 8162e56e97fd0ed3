import { counted } from '../../protocol/formatReport.js';
import { UserError } from '../../base/errors.js';
import { formatAddress } from '../../onnx/addresses.js';
import { layersOf } from '../../onnx/layers/layerTable.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import { writeModel } from '../../onnx/writeModel.js';
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
import {
  clustersUnder,
  type Curve,
  type CurvePoint,
  measureCurve,
  type MergedLayer,
} from './merging/curve.js';
import {
  type LayerClusters,
  mergedModel,
  type Parameters,
  readParameters,
  unitVectorsOf,
} from './merging/mergedModel.js';
import {
  curveCharts,
  mergeTable,
  pairTable,
  unmergedBlocks,
  type UnmergedLayer,
} from './merging/mergeReport.js';
import { mergeSequence } from './merging/mergeSequence.js';
import { modelOutputPath } from './merging/outputFile.js';
import { type MergeableLayer, unitParametersOf } from './merging/unitParameters.js';

const settings = {
  beta: {
    kind: 'number',
    title: 'Threshold β',
    description:
      'Features nearer than this are merged; 0.01 takes duplicates only, 1 takes features as far apart as they are long.',
    default: 0.1,
    minimum: 0,
    maximum: 10,
    exclusive: true,
  },
  compare: {
    kind: 'choice',
    title: 'Compared',
    description:
      'both: incoming and outgoing weights; incoming: those alone, which finds all units that compute the same, whatever is made of them.',
    default: 'both',
    choices: ['both', 'incoming'],
  },
  largestBeta: {
    kind: 'number',
    title: 'Largest β of the curve',
    description: 'The curve goes from 0 to here.',
    default: 1,
    minimum: 0,
    maximum: 10,
    exclusive: true,
  },
  points: {
    kind: 'integer',
    title: 'Points of the curve',
    description: 'For each the model is merged and scored again.',
    default: 11,
    minimum: 2,
    maximum: 200,
  },
  scoreSamples: {
    kind: 'integer',
    title: 'Samples of a score',
    description: 'Every merged model is scored on the first samples, at most this many.',
    default: 500,
    minimum: 1,
    maximum: 1_000_000,
  },
  output: {
    kind: 'text',
    title: 'Merged model',
    description:
      'Name of an .onnx file that the model merged under β is written to, from the folder of the model; without it none is written.',
    default: null,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

const metrics = {
  featureCount: { title: 'Features', description: 'Units of all layers that can be merged.' },
  featuresLeft: {
    title: 'Features left',
    description: 'Units that are left when all nearer than β are merged.',
  },
  redundantShare: {
    title: 'Redundant',
    description: 'Share of the features that merging under β takes away.',
  },
  mergeableLayerCount: { title: 'Layers', description: 'Layers whose features can be merged.' },
  intactScore: { title: 'Untouched', description: 'Score of the untouched model.' },
  mergedScore: { title: 'Merged', description: 'Score of the model merged under β.' },
  outputChange: {
    title: 'Change of the outputs',
    description: '‖y′ − y‖ / ‖y‖ of the model merged under β, on the first samples.',
  },
} as const;

/** Products of a pair's distance beyond which a layer is left out: minutes of work. */
const mostProducts = 3e10;

/**
 * Redundant neurons, by iterative feature merging: the two nearest features of a layer become one, again and again.
 *
 * Features are units; the distance of two is that of their incoming and outgoing weights, relative to the layer's features:
 * d² = ½ ‖Δin‖²/mᵢₙ + ½ ‖Δout‖²/mₒᵤₜ, m the mean squared length. Nearest first while d < β, incoming weights are averaged and
 * outgoing ones added up, so units that compute the same become one and the model's function stays. A normalisation by stored
 * statistics right behind a layer is folded before. What is left at a small β is the complexity of the features; a curve that
 * falls early while the score stays means a layer wider than it needs. Caveat: units that compute the same up to a scale, or by
 * other weights, are not near; merging looks at no data.
 *
 * Source: Chen, Zhou & Yan (2023), "Going Beyond Neural Network Feature Similarity: The Network Feature Complexity and Its
 * Interpretation Using Category Theory", https://arxiv.org/abs/2310.06756. Differs: distances are relative to a layer's mean
 * squared length, so that one β serves all layers, and every layer is merged by the weights of the untouched model.
 */
export const redundantNeurons = defineAnalysis({
  id: 'redundant-neurons',
  question: 'health',
  title: 'Redundant neurons',
  asks: 'Which neurons do the same as others, and how many could go without a loss?',
  needs: { data: 'optional', labels: 'optional', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'chen2023complexity',
      title:
        'Going Beyond Neural Network Feature Similarity: The Network Feature Complexity and Its Interpretation Using Category Theory',
      url: 'https://arxiv.org/abs/2310.06756',
      line: 23,
    },
  ],
  rows: [
    {
      line: 23,
      settings: { output: 'merged.onnx' },
      limits:
        'Merges Conv (ungrouped), Gemm and MatMul in float32 or float64 whose units go alone through activations, stored normalisation, pooling and flattening to weights, or through the product of a gated layer, whose gate, up and down weights are merged together; layers that end in residual sums, other products or concatenations are listed with the reason. Every layer is merged by the untouched weights.',
    },
  ],
  cost({ points, scoreSamples }, { sampleCount }) {
    const scored = Math.min(sampleCount, scoreSamples) * (points + 1);
    return { passCount: scored, readCount: scored };
  },
  run: examine,
});

interface Found {
  readonly layers: readonly MergedLayer[];
  readonly unmerged: readonly UnmergedLayer[];
  readonly chosen: readonly LayerClusters[];
  readonly curve: Curve;
  readonly at: CurvePoint;
  readonly written: string | undefined;
}

async function examine(context: AnalysisContext, chosen: Settings): Promise<ReportDraft> {
  const { model } = context;
  const path = chosen.output === null ? undefined : modelOutputPath(model, chosen.output);
  const { mergeable, unmerged } = findLayers(context);
  const parameters = await readParameters(model, mergeable);
  const layers = await sequencesOf(context, { mergeable, parameters, unmerged }, chosen);
  if (layers.length === 0) throw nothingToMerge(unmerged);
  const { points, largestBeta, beta, scoreSamples: limit } = chosen;
  const grid = Array.from({ length: points }, (_, i) => (largestBeta * i) / (points - 1));
  const betas = [...new Set([...grid, beta])].sort((a, b) => a - b);
  const curve = await measureCurve(context, { layers, parameters }, { betas, limit });
  const clusters = clustersUnder(layers, beta);
  if (path !== undefined) await writeModel(mergedModel(model, parameters, clusters), path);
  const at = curve.points.find((point) => point.beta === beta);
  if (at === undefined) throw new Error('The chosen β is a point of the curve.');
  return draftOf({ layers, unmerged, chosen: clusters, curve, at, written: path }, chosen);
}

function findLayers({ model }: AnalysisContext): {
  readonly mergeable: readonly MergeableLayer[];
  readonly unmerged: UnmergedLayer[];
} {
  const types = inferTypes(model);
  const table = layersOf(model, types);
  const mergeable: MergeableLayer[] = [];
  const unmerged: UnmergedLayer[] = [];
  for (const layer of table.layers) {
    if (layer.kind !== 'conv' && layer.kind !== 'dense') continue;
    const found = unitParametersOf(layer, table, types);
    if (typeof found !== 'string') mergeable.push(found);
    else unmerged.push({ layer: layer.name, kind: layer.kind, reason: found });
  }
  return { mergeable, unmerged };
}

async function sequencesOf(
  context: AnalysisContext,
  found: {
    readonly mergeable: readonly MergeableLayer[];
    readonly parameters: Parameters;
    readonly unmerged: UnmergedLayer[];
  },
  { compare }: Settings,
): Promise<MergedLayer[]> {
  const layers: MergedLayer[] = [];
  for (const [index, layer] of found.mergeable.entries()) {
    const vectors = unitVectorsOf(layer, found.parameters);
    const products = (layer.unitCount * (vectors.incoming.length + vectors.outgoing.length)) / 2;
    if (products > mostProducts) {
      const reason = `comparing every two of its ${layer.unitCount.toLocaleString('en')} features would take minutes`;
      found.unmerged.push({ layer: layer.name, kind: 'dense', reason });
    } else layers.push({ layer, merges: await mergeSequence(vectors, compare, context.signal) });
    const fractionDone = (0.4 * (index + 1)) / found.mergeable.length;
    context.progress({ fractionDone, message: `Comparing the features of ${layer.name}` });
  }
  return layers;
}

function nothingToMerge([first]: readonly UnmergedLayer[]): UserError {
  const example = first === undefined ? '' : ` For example, ${first.layer}: ${first.reason}.`;
  return new UserError(
    'nothing-to-merge',
    `This model has no layer whose features can be merged.${example} Choose a model with dense layers or convolutions whose units go through an activation into the next layer.`,
  );
}

function draftOf(found: Found, chosen: Settings): ReportDraft {
  const { layers, curve, at } = found;
  const featureCount = layers.reduce((total, { layer }) => total + layer.unitCount, 0);
  const { values, evidence } = measuresOf(found);
  const scoredCount = curve.sampleCount;
  return {
    title: 'Redundant neurons',
    summary: summaryOf(found, featureCount, chosen),
    ...(scoredCount > 0 ? { usedCount: scoredCount } : {}),
    metrics: {
      featureCount,
      featuresLeft: at.featureCount,
      redundantShare: 1 - at.featureCount / featureCount,
      mergeableLayerCount: layers.length,
      ...values,
    },
    evidence,
    findings: findingsOf(found, featureCount),
    arrays: arraysOf(found),
    blocks: blocksOf(found, featureCount, { beta: chosen.beta, measured: Object.keys(values) }),
    warnings: [],
  };
}

function measuresOf({ curve, at }: Found): {
  readonly values: Record<string, number>;
  readonly evidence: Record<string, Evidence>;
} {
  const { sampleCount, scoreName, reason } = curve;
  const intact = curve.points[0]?.score;
  const all = { intactScore: intact, mergedScore: at.score, outputChange: at.outputChange };
  const read: Evidence = { kind: 'measured', how: 'every weight read' };
  const values: Record<string, number> = {};
  const evidence: Record<string, Evidence> = Object.fromEntries(
    Object.keys(metrics).map((key) => [key, read]),
  );
  for (const [key, value] of Object.entries(all)) {
    if (value !== undefined) values[key] = value;
    evidence[key] =
      value === undefined
        ? { kind: 'not-captured', how: reason ?? 'there are no data' }
        : key === 'outputChange'
          ? { kind: 'sampled', how: 'the first samples' }
          : { kind: 'measured', n: sampleCount, how: scoreName ?? '' };
  }
  return { values, evidence };
}

function blocksOf(
  { layers, unmerged, chosen, curve }: Found,
  featureCount: number,
  { beta, measured }: { readonly beta: number; readonly measured: readonly string[] },
): Block[] {
  const scores = measured.filter((metric) => metric !== 'outputChange');
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'featuresLeft', label: 'Features left', format: 'count' },
        { metric: 'featureCount', label: 'Features', format: 'count' },
        { metric: 'redundantShare', label: 'Redundant', format: 'percent' },
        ...scores.map((metric) => ({
          metric,
          label: metric === 'intactScore' ? 'Untouched' : 'Merged',
          format: 'percent' as const,
        })),
      ],
    },
    { type: 'findings', title: 'Findings' },
    ...curveCharts(curve, featureCount),
    mergeTable(layers, chosen),
    pairTable(layers, beta),
    ...unmergedBlocks(unmerged),
    { type: 'citation', papers: ['chen2023complexity'] },
  ];
}

function summaryOf({ at, curve, layers, written }: Found, featureCount: number, { beta }: Settings): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const intact = curve.points[0]?.score;
  const worth =
    at.score === undefined || intact === undefined || curve.scoreName === undefined
      ? at.outputChange === undefined
        ? ''
        : `, and the outputs move by ${percent(at.outputChange)} of their size`
      : `, and the ${curve.scoreName} goes from ${percent(intact)} to ${percent(at.score)}`;
  const file = written === undefined ? '' : ' The merged model was written.';
  return `Merging features nearer than β = ${beta} leaves ${at.featureCount.toLocaleString('en')} of ${featureCount.toLocaleString('en')} in ${counted(layers.length, 'layer')}${worth}.${file}`;
}

/** Loss of score that is called none. */
const smallLoss = 0.01;

function findingsOf({ layers, curve, written }: Found, featureCount: number): Finding[] {
  const findings: Finding[] = [];
  const intact = curve.points[0]?.score;
  const free = curve.points
    .filter(({ score }) => intact !== undefined && (score ?? 0) >= intact - smallLoss)
    .at(-1);
  if (free !== undefined && free.featureCount < featureCount) {
    findings.push({
      severity: 'info',
      message: `Up to β = ${free.beta.toPrecision(3)}, which leaves ${free.featureCount.toLocaleString('en')} of ${featureCount.toLocaleString('en')} features, the score falls by at most one point.`,
      advice: `Set beta to ${free.beta.toPrecision(3)} and output to a file name to get the smaller model, and check it on held-out data.`,
    });
  }
  for (const { layer, merges } of layers) {
    const twins = merges.filter(({ distance }) => distance < 1e-6).length;
    if (twins === 0) continue;
    findings.push({
      severity: 'warning',
      address: formatAddress({ layer: layer.name }),
      message: `${twins === 1 ? '1 feature' : `${twins} features`} of ${layer.name} ${twins === 1 ? 'has' : 'have'} an exact duplicate.`,
      advice: 'Units that start alike stay alike: check that the weights were initialised at random.',
    });
  }
  if (written !== undefined) {
    findings.push({
      severity: 'info',
      message: `The merged model was written to ${written}.`,
      advice: 'Open it beside the original, or run the same data through both.',
    });
  }
  return findings;
}

function arraysOf({ layers, chosen, curve }: Found): Record<string, ResultArray> {
  const evidence: Evidence = { kind: 'measured', how: 'every weight read' };
  const arrays: Record<string, ResultArray> = {};
  for (const [index, { layer, merges }] of layers.entries()) {
    const clusters = chosen[index]?.clusters ?? new Int32Array();
    const data = Float64Array.from(merges.flatMap(({ kept, gone, distance }) => [kept, gone, distance]));
    arrays[`${layer.name}.clusters`] = {
      value: { dtype: 'int32', dims: [clusters.length], data: clusters },
      evidence,
    };
    arrays[`${layer.name}.merges`] = {
      value: { dtype: 'float64', dims: [merges.length, 3], data },
      evidence,
    };
  }
  const rows = curve.points.flatMap(({ beta, featureCount, score = NaN, outputChange = NaN }) => [
    ...[beta, featureCount, score, outputChange],
  ]);
  const value = { dtype: 'float64', dims: [curve.points.length, 4], data: Float64Array.from(rows) } as const;
  return { ...arrays, curve: { value, evidence } };
}
