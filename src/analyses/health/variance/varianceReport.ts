import { formatAddress } from '../../../onnx/addresses.js';
import type { ChartBlock, TableBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { columnLines } from '../../shared/plainCharts.js';
import type { PropagatedActivation } from './propagation.js';
import { isSelu, type LecunCheck } from './selfNormalizing.js';

const cell = (value: number | undefined): TableCell => (value === undefined ? null : toReportNumber(value));

/** Returns mean squares over depth, forward and backward, measured and predicted. */
export function depthCharts(activations: readonly PropagatedActivation[]): ChartBlock[] {
  const before = new Map(activations.map((each) => [each.reader?.next, each.nextSquare]));
  const rows = activations.map((each, index): Record<string, TableCell> => ({
    depth: index + 1,
    layer: each.layer.name,
    measured: toReportNumber(each.entering.square),
    predicted: cell(before.get(index)),
    gradient: cell(each.gradientSquare),
    predictedGradient: cell(each.predictedGradientSquare),
  }));
  const x = { key: 'depth', label: 'Activation, from the input', isCount: true };
  const forward = columnLines({
    title: 'Forward: mean square in front of each activation',
    alt: 'E z² of what enters each activation, measured, and predicted from the activation before by fan-in · E w² · E f(z)².',
    ...{ x, rows, valueTitle: 'E z²', scale: 'log' },
    series: [
      { key: 'measured', label: 'Measured' },
      { key: 'predicted', label: 'Predicted' },
    ],
  });
  if (activations.every(({ gradientSquare }) => gradientSquare === undefined)) return [forward];
  const backward = columnLines({
    title: 'Backward: mean square of the gradient',
    alt: 'E (∂L/∂z)² at each activation when the outputs get standard normal gradients, measured, and predicted from the one behind by fan-out · E w² · E f′(z)².',
    ...{ x, rows, valueTitle: 'E (∂L/∂z)²', scale: 'log' },
    series: [
      { key: 'gradient', label: 'Measured' },
      { key: 'predictedGradient', label: 'Predicted' },
    ],
  });
  return [forward, backward];
}

const columns: TableColumn[] = [
  { key: 'layer', label: 'Activation', kind: 'address' },
  { key: 'mean', label: 'Mean in', kind: 'number', description: 'Mean of what enters.' },
  { key: 'variance', label: 'Variance in', kind: 'number', description: 'Variance of what enters.' },
  { key: 'square', label: 'E f²', kind: 'number', description: 'Mean square of what leaves, measured.' },
  {
    key: 'predicted',
    label: 'E f², predicted',
    kind: 'number',
    description: 'By quadrature, z normal with mean and variance in.',
  },
  { key: 'slope', label: 'E f′²', kind: 'number', description: 'By quadrature.' },
  { key: 'reader', label: 'Read by', kind: 'address' },
  { key: 'gain', label: 'Gain', kind: 'number', description: '√(fan-in · E w²) of the layer that reads it.' },
  {
    key: 'forward',
    label: 'Stable gain',
    kind: 'number',
    description: '√(E z² / E f²): keeps the mean square forward.',
  },
  { key: 'backGain', label: 'Gain backward', kind: 'number', description: '√(fan-out · E w²).' },
  {
    key: 'backward',
    label: 'Stable backward',
    kind: 'number',
    description: '1/√(E f′²): keeps the gradient’s mean square.',
  },
];

/** Returns the table of activations: moments, and the gains that would hold variances. */
export function gainTable(activations: readonly PropagatedActivation[]): TableBlock {
  return {
    type: 'table',
    title: 'Activations',
    columns,
    rows: activations.map((each): Record<string, TableCell> => {
      const { entering, leaving, predicted, reader, layer } = each;
      const moments = typeof predicted === 'string' ? undefined : predicted;
      const weights = reader?.weights;
      return {
        layer: formatAddress({ layer: layer.name }),
        mean: toReportNumber(entering.mean),
        variance: toReportNumber(entering.variance),
        square: toReportNumber(leaving.square),
        predicted: cell(moments?.square),
        slope: cell(moments?.slopeSquare),
        reader: reader === undefined ? null : formatAddress({ layer: reader.layer }),
        gain: cell(weights && Math.sqrt(weights.fanIn * weights.square)),
        forward: cell(moments && Math.sqrt(entering.square / moments.square)),
        backGain: cell(weights && Math.sqrt(weights.fanOut * weights.square)),
        backward: cell(moments && 1 / Math.sqrt(moments.slopeSquare)),
      };
    }),
  };
}

/** Returns the SELU activations against their fixed point. */
export function fixedPointTable(
  activations: readonly PropagatedActivation[],
  checks: readonly LecunCheck[],
): TableBlock {
  const ratios = new Map(checks.map(({ layer, ratio }) => [layer, ratio]));
  const names = checks.map(({ layer }) => layer);
  return {
    type: 'table',
    title: 'SELU against its fixed point (0, 1)',
    columns: [
      { key: 'layer', label: 'Activation', kind: 'address' },
      { key: 'mean', label: 'Mean', kind: 'number', description: 'Measured; the fixed point is 0.' },
      { key: 'variance', label: 'Variance', kind: 'number', description: 'Measured; the fixed point is 1.' },
      {
        key: 'mapMean',
        label: 'Mean by the map',
        kind: 'number',
        description: 'E f(z), z normal as it enters.',
      },
      { key: 'mapVariance', label: 'Variance by the map', kind: 'number', description: 'Var f(z).' },
      {
        key: 'lecun',
        label: 'Fan-in × Var w',
        kind: 'number',
        description: 'Of the layer in front; LeCun’s is 1, He’s 2.',
      },
    ],
    rows: activations.filter(isSelu).map(({ layer, leaving, predicted }, i): Record<string, TableCell> => {
      const moments = typeof predicted === 'string' ? undefined : predicted;
      return {
        layer: formatAddress({ layer: layer.name }),
        mean: toReportNumber(leaving.mean),
        variance: toReportNumber(leaving.variance),
        mapMean: cell(moments?.mean),
        mapVariance: cell(moments && moments.square - moments.mean ** 2),
        lecun: cell(ratios.get(names[i] ?? '')),
      };
    }),
  };
}
