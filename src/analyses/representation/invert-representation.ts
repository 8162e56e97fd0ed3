import { formatNumber } from '../../protocol/formatReport.js';
import { elementCountOf, type TensorValue } from '../../onnx/tensorValue.js';
import type { Block } from '../../protocol/blocks.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { formatAddress } from '../../onnx/addresses.js';
import {
  defineAnalysis,
  type ReportDraft,
  type ResultArray,
  type RunCost,
  type Workload,
} from '../analysis.js';
import { type InvertedInput, readInput } from './inversion/inputs.js';
import { type Inversion, invertLayer } from './inversion/invert.js';
import { readLayers } from './inversion/layers.js';
import { inversionBlocks, meanOf, trajectoryChart } from './inversion/report.js';
import {
  defaultLayerCount,
  defaultRowCount,
  type InversionSettings,
  inversionSettings,
} from './inversion/settings.js';
import { priorWarnings } from '../shared/descent/priorTerms.js';
import { cnnVisualisationSurvey } from '../shared/papers.js';

/** Forward passes that a step takes as long as: forward, gradient by the input, the step itself. */
const passesPerStep = 3;

/**
 * Inverting a representation: x* = argmin ‖Φ(x) − Φ₀‖² / ‖Φ₀‖² + λ_α · mean |z|^α + λ_TV · TV_β(z) for Φ₀ = Φ(x₀), from noise, where
 * z is x in halves of the input's range from its middle.
 *
 * It assumes that what the descent finds is what the representation leaves open, so that a small error with a large distance
 * means invariance: other inputs look the same to the layer. A large error means that the descent has not got there: more
 * steps, another step size, or a layer whose gradients vanish. What is not determined follows the priors, and is smooth
 * because of them and not because of the model. Caveat: one start gives one of many inputs.
 *
 * Source: Mahendran & Vedaldi (2015), "Understanding Deep Image Representations by Inverting Them",
 * https://arxiv.org/abs/1412.0035. Differs: priors are means over elements of the input in units of its range, Adam is the
 * default, the input stays in its range, and nothing jitters.
 */
export const invertRepresentation = defineAnalysis({
  id: 'invert-representation',
  question: 'representation',
  title: 'Inverted representations',
  asks: 'What does each layer still know of its input?',
  needs: { data: 'required', labels: 'none', gradients: true },
  settings: inversionSettings,
  metrics: {
    relativeError: {
      title: 'Relative error',
      description: '‖Φ(x) − Φ₀‖ / ‖Φ₀‖, mean over layers and samples: how well the representation was met.',
    },
    largestRelativeError: {
      title: 'Largest relative error',
      description: 'The largest mean over samples of a layer.',
    },
    inputDistance: {
      title: 'Input distance',
      description: 'Root mean square of x − x₀ in shares of the input’s range, mean over layers and samples.',
    },
    layerCount: { title: 'Layers', description: 'Layers that were inverted.' },
    sampleCount: { title: 'Samples', description: 'Samples whose representations were inverted.' },
  },
  papers: [
    {
      id: 'mahendran2015',
      title: 'Understanding Deep Image Representations by Inverting Them',
      url: 'https://arxiv.org/abs/1412.0035',
    },
    cnnVisualisationSurvey,
  ],
  rows: [
    {
      line: 93,
      limits:
        'Network inversion here, by optimisation with α-norm and total variation; inversion by a trained up-convolutional network is not built.',
    },
  ],
  cost: costOf,
  async run(context, settings) {
    const input = await readInput(context, settings);
    const layers = await readLayers(context, input, settings.layers);
    const done: Inversion[] = [];
    for (const [index, layer] of layers.entries()) {
      const found = await invertLayer(context, { input, layer, settings }, (known) => {
        const step = known.objective.length - 1;
        context.progress({
          fractionDone: (index + step / settings.steps) / layers.length,
          message: `Inverting ${layer.name} (step ${formatNumber(step, 'count')} of ${formatNumber(settings.steps, 'count')})`,
        });
        context.partial(() => draftOf(input, [...done, known], settings));
      });
      done.push(found);
    }
    return draftOf(input, done, settings);
  },
});

function costOf(settings: InversionSettings, { sampleCount, limit }: Workload): RunCost {
  const layerCount = settings.layers?.split(',').length ?? defaultLayerCount;
  const rowCount = Math.min(sampleCount, settings.samples?.split(',').length ?? limit ?? defaultRowCount);
  return { passCount: rowCount * (1 + layerCount * settings.steps * passesPerStep), readCount: rowCount };
}

function draftOf(
  input: InvertedInput,
  inversions: readonly Inversion[],
  settings: InversionSettings,
): ReportDraft {
  const evidence = evidenceOf(input);
  const errors = inversions.map(({ relativeErrors }) => meanOf(relativeErrors));
  const metrics = {
    relativeError: meanOf(errors),
    largestRelativeError: Math.max(...errors),
    inputDistance: meanOf(inversions.map(({ distances }) => meanOf(distances))),
    layerCount: inversions.length,
    sampleCount: input.rowCount,
  };
  return {
    title: 'Inverted representations',
    summary: summaryOf(input, inversions),
    usedCount: input.rowCount,
    metrics,
    evidence: Object.fromEntries(Object.keys(metrics).map((metric) => [metric, evidence])),
    findings: findingsOf(input, inversions, settings),
    arrays: arraysOf(input, inversions, evidence),
    blocks: blocksOf(input, inversions),
    warnings: [...input.warnings, ...priorWarnings(input, settings)],
  };
}

function blocksOf(input: InvertedInput, inversions: readonly Inversion[]): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'relativeError', label: 'Relative error' },
        { metric: 'largestRelativeError', label: 'Largest of a layer' },
        { metric: 'inputDistance', label: 'Input distance', format: 'percent' },
        { metric: 'layerCount', label: 'Layers', format: 'count' },
        { metric: 'sampleCount', label: 'Samples', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    ...inversionBlocks(input, inversions),
    trajectoryChart(input, inversions),
    { type: 'markdown', title: 'How to read this', folded: true, text: reading },
    { type: 'citation', papers: ['mahendran2015', 'qin2018'] },
  ];
}

const reading =
  'From noise, an input is looked for that the layer represents as it does the sample. Where the error is small and the input differs, the layer no longer tells the two apart: what changed is what it has let go. What nothing determines follows the priors, which make inputs small and smooth. Where the error stays large, the descent has not arrived: more `steps` or another `learningRate` may help.';

function summaryOf({ rowCount }: InvertedInput, inversions: readonly Inversion[]): string {
  const of = `${String(rowCount)} ${rowCount === 1 ? 'sample' : 'samples'}`;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const [first] = inversions;
  const last = inversions.at(-1);
  if (first === undefined || last === undefined) return `Nothing was inverted of ${of}.`;
  const told = ({ layer, distances, relativeErrors }: Inversion): string =>
    `from ${formatAddress({ layer: layer.name })} to within ${percent(meanOf(distances))} of its range (error of the representation ${percent(meanOf(relativeErrors))})`;
  return first === last
    ? `The input of ${of} is found ${told(first)}.`
    : `The input of ${of} is found ${told(first)}, and ${told(last)}.`;
}

/** Errors above this say more of the descent than of the layer. */
const largeError = 0.5;

function findingsOf(
  { rowCount }: InvertedInput,
  inversions: readonly Inversion[],
  { steps }: InversionSettings,
): Finding[] {
  const findings: Finding[] = [];
  for (const { layer, relativeErrors } of inversions) {
    const address = formatAddress({ layer: layer.name });
    const error = meanOf(relativeErrors);
    const silent = silentRows(layer.representation, rowCount);
    if (silent > 0) {
      findings.push({
        severity: 'warning',
        address,
        message: `${String(silent)} of ${String(rowCount)} samples are represented by zeros: every input that keeps the layer silent fits them, and their error is absolute.`,
        advice: 'Look at dead-neurons, or choose samples that the layer responds to.',
      });
    }
    if (error <= largeError) continue;
    findings.push({
      severity: 'warning',
      address,
      message: `After ${String(steps)} steps the representation is still ${(100 * error).toFixed(0)} % off: what was found says little of this layer.`,
      advice: 'Raise steps, change learningRate, or lower the weights of the priors.',
    });
  }
  return findings;
}

function silentRows({ data, dims }: TensorValue, rowCount: number): number {
  const size = elementCountOf(dims.slice(1));
  return Array.from({ length: rowCount }, (_, row) => row).filter((row) => {
    for (let i = row * size; i < (row + 1) * size; i++) if (data[i] !== 0) return false;
    return true;
  }).length;
}

function arraysOf(
  input: InvertedInput,
  inversions: readonly Inversion[],
  evidence: Evidence,
): Record<string, ResultArray> {
  const { rowCount, dims, range } = input;
  const vector = (data: Float64Array): TensorValue => ({ dtype: 'float64', dims: [data.length], data });
  const arrays: Record<string, ResultArray> = {};
  for (const { layer, z, relativeErrors, distances, objective } of inversions) {
    const named = (name: string, value: TensorValue): void => {
      arrays[`${layer.name}.${name}`] = { value, evidence };
    };
    const size = elementCountOf(dims.slice(1));
    const found = Float32Array.from(range.fromZ(z.subarray(0, rowCount * size)));
    named('inversion', { dtype: 'float32', dims: [rowCount, ...dims.slice(1)], data: found });
    named('relativeError', vector(relativeErrors));
    named('inputDistance', vector(distances));
    const rows = objective.flatMap((values) => [...values.subarray(0, rowCount)]);
    named('objective', {
      dtype: 'float64',
      dims: [objective.length, rowCount],
      data: Float64Array.from(rows),
    });
  }
  return arrays;
}

function evidenceOf({ rowCount, availableCount }: InvertedInput): Evidence {
  if (rowCount >= availableCount) return { kind: 'measured', n: rowCount };
  return {
    kind: 'sampled',
    n: rowCount,
    how: `${formatNumber(rowCount, 'count')} of ${formatNumber(availableCount, 'count')} samples`,
  };
}
