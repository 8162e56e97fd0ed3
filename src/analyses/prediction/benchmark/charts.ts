import type { ChartBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { BenchmarkResult } from './benchmark.js';
import { titleOf } from './words.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Returns the mean curves of insertion or deletion. */
export function curveChart(result: BenchmarkResult, name: 'insertion' | 'deletion'): ChartBlock {
  const { curves, isProbability } = result;
  const isInsertion = name === 'insertion';
  const y = isProbability ? 'Probability of the explained class' : 'Explained value';
  const x = isInsertion ? 'Positions shown' : 'Positions hidden';
  const rows = curves.flatMap(({ [name]: values, fractions }, i) => {
    const means = meanOverRows(values, fractions.length);
    return Array.from(means, (mean, point): Record<string, TableCell> => ({
      method: titleOf(result, i),
      fraction: toReportNumber(fractions[point] ?? NaN),
      value: toReportNumber(Number(mean.toPrecision(6))),
    }));
  });
  return {
    type: 'chart',
    title: isInsertion ? 'Insertion curves' : 'Deletion curves',
    alt: `${y}, mean over rows, as positions are ${isInsertion ? 'shown' : 'hidden'} in the order of each method, highest scores first. ${isInsertion ? 'The sooner it rises, the better.' : 'The sooner it falls, the better.'}`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'line' },
      encoding: {
        x: { field: 'fraction', type: 'quantitative', title: x, axis: { format: '.0%' } },
        y: { field: 'value', type: 'quantitative', title: y },
        color: { field: 'method', type: 'nominal', title: 'Method', sort: null },
      },
    },
    table: {
      columns: [
        { key: 'method', label: 'Method', kind: 'text' },
        { key: 'fraction', label: x, kind: 'percent' },
        { key: 'value', label: y, kind: 'number', description: 'Mean over rows.' },
      ],
      rows,
    },
  };
}

const layersWithout = 'Layers with shuffled weights, from the last down';

const cascadeColumns: TableColumn[] = [
  { key: 'method', label: 'Method', kind: 'text' },
  { key: 'layerCount', label: layersWithout, kind: 'count' },
  { key: 'downTo', label: 'Down to', kind: 'text' },
  { key: 'correlation', label: 'Rank correlation', kind: 'number', description: 'Mean over rows.' },
];

/** Returns how the scores change as weights are shuffled from the last layer down; undefined where that was not measured. */
export function cascadeChart(result: BenchmarkResult): ChartBlock | undefined {
  const { stages } = result.repeated;
  if (stages.length === 0) return undefined;
  const rows = stages.flatMap(({ downTo, layerCount, correlations }) =>
    correlations.map((values, i): Record<string, TableCell> => {
      const known = values.filter((value) => !Number.isNaN(value));
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      return {
        method: titleOf(result, i),
        layerCount,
        downTo,
        correlation: known.length === 0 ? null : toReportNumber(Number(mean.toPrecision(6))),
      };
    }),
  );
  return {
    type: 'chart',
    title: 'Sanity check: scores as the weights are shuffled',
    alt: 'Rank correlation of each method’s scores with those of the whole model as more and more layers lose what they learned. Scores that come from the weights fall to about 0.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'layerCount', type: 'quantitative', title: layersWithout, axis: { tickMinStep: 1 } },
        y: { field: 'correlation', type: 'quantitative', title: 'Rank correlation' },
        color: { field: 'method', type: 'nominal', title: 'Method', sort: null },
      },
    },
    table: {
      columns: cascadeColumns,
      rows,
    },
  };
}

/** Returns the mean of `[rows, points]` over rows. */
export function meanOverRows(values: Float64Array, pointCount: number): Float64Array {
  const rowCount = values.length / pointCount;
  return Float64Array.from({ length: pointCount }, (_, point) => {
    let sum = 0;
    for (let row = 0; row < rowCount; row++) sum += values[row * pointCount + point] ?? NaN;
    return sum / rowCount;
  });
}
