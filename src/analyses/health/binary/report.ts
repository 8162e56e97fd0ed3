import type { Block, TableCell } from '../../../protocol/blocks.js';
import { formatAddress } from '../../../onnx/addresses.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { type ChartRow, barChart, columnLines } from '../../shared/plainCharts.js';
import { histogramEdges } from './graphs.js';
import type { SiteFigures, ThresholdRule } from './measure.js';

/** Layers drawn with a line each. */
const drawnCount = 12;
/** Neurons in the table: those whose bits flip most. */
const listedCount = 50;

const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

/** Returns the share of all bits that are 1. */
export function oneShare(figures: readonly SiteFigures[]): number {
  const total = figures.reduce((sum, { elementCount }) => sum + elementCount, 0);
  return figures.reduce((sum, { ones }) => sum + sumOf(ones), 0) / total;
}

/** Returns the units whose bit is the same everywhere. */
export function constantUnits({ ones, elementCount, site }: SiteFigures): number[] {
  const perUnit = elementCount / site.target.unitCount;
  return [...ones.keys()].filter((unit) => ones[unit] === 0 || ones[unit] === perUnit);
}

/** Returns the share of bits that a rule flips, of the layers that it applies to; undefined where it applies to none. */
export function flipShare(figures: readonly SiteFigures[], rule: ThresholdRule): number | undefined {
  const own = figures.filter(({ flips }) => flips.has(rule));
  if (own.length === 0) return undefined;
  const total = own.reduce((sum, { elementCount }) => sum + elementCount, 0);
  return own.reduce((sum, { flips }) => sum + sumOf(flips.get(rule) ?? new Float64Array()), 0) / total;
}

/** Returns the chart of how far elements lie from the threshold, in standard deviations. */
export function distributionChart(figures: readonly SiteFigures[]): Block {
  const drawn = figures.slice(0, drawnCount);
  const edges = [-Infinity, ...histogramEdges];
  // Open ends have no middle; they are in the arrays.
  const rows = edges.slice(1, -1).map((edge, i): ChartRow => {
    const cells = drawn.map(({ site, histogram, elementCount }): [string, number] => [
      site.name,
      (histogram[i + 1] ?? 0) / elementCount,
    ]);
    return { ...Object.fromEntries(cells), distance: edge + 0.125 };
  });
  const left = figures.length - drawn.length;
  return columnLines({
    title: 'Distance from the threshold',
    alt: `For ${String(drawn.length)} layers, the share of elements by their distance from the threshold.${left > 0 ? ` ${String(left)} more layers are not drawn.` : ''}`,
    x: { key: 'distance', label: '(x − threshold) / σ' },
    series: drawn.map(({ site }) => ({ key: site.name, label: site.name })),
    rows,
    valueTitle: 'Share of elements, in steps of σ/4',
    format: 'percent',
  });
}

/** Returns the chart of the bits that other thresholds flip, layer by layer. */
export function flipChart(figures: readonly SiteFigures[]): Block {
  const series = [
    { rule: 'mean', label: 'Mean' },
    { rule: 'third-moment', label: 'Third moment' },
    { rule: 'static', label: 'Own thresholds' },
  ] as const;
  const known = series.filter(({ rule }) => figures.some(({ flips }) => flips.has(rule)));
  const rows = figures.map((one): ChartRow => {
    const shares = known.map(({ rule }): [string, TableCell] => [rule, flipShare([one], rule) ?? null]);
    const cells: Record<string, TableCell> = Object.fromEntries(shares);
    return { ...cells, layer: formatAddress({ layer: one.site.layer }) };
  });
  return barChart({
    title: 'Bits that instance-aware thresholds flip',
    alt: 'Bars for each layer: the share of its bits that differ when thresholds follow each instance.',
    name: { key: 'layer', label: 'Layer', kind: 'address' },
    series: known.map(({ rule, label }) => ({ key: rule, label })),
    rows,
    valueTitle: 'Share of bits',
    format: 'percent',
  });
}

/** Returns the table of the binarised layers. */
export function siteTable(figures: readonly SiteFigures[]): Block {
  return {
    type: 'table',
    title: 'Binarised layers',
    columns: [
      { key: 'layer', label: 'Layer', kind: 'address' },
      { key: 'operator', label: 'Binarised by', kind: 'text' },
      { key: 'units', label: 'Neurons', kind: 'count' },
      { key: 'ones', label: 'Ones', kind: 'bar' },
      { key: 'near', label: 'Near', kind: 'percent', description: 'Elements within σ/4 of the threshold.' },
      {
        key: 'spread',
        label: 'Spread of means',
        kind: 'number',
        description: 'Standard deviation, over instances, of an instance’s mean; the mean over channels.',
      },
      { key: 'constant', label: 'Constant bits', kind: 'count' },
    ],
    rows: figures.map((one) => {
      const { site, histogram, elementCount, mean, channelCount } = one;
      const middle = histogramEdges.indexOf(0);
      return {
        layer: formatAddress({ layer: site.layer }),
        operator: site.isInstanceAware ? `${site.operator} (threshold by instance)` : site.operator,
        units: site.target.unitCount,
        ones: oneShare([one]),
        near: ((histogram[middle] ?? 0) + (histogram[middle + 1] ?? 0)) / elementCount,
        spread: toReportNumber(spreadOf(mean, channelCount)),
        constant: constantUnits(one).length,
      };
    }),
  };
}

function spreadOf(values: Float64Array, channelCount: number): number {
  const count = values.length / channelCount;
  const centers = new Float64Array(channelCount);
  const squares = new Float64Array(channelCount);
  for (const [at, value] of values.entries()) {
    centers[at % channelCount] = (centers[at % channelCount] ?? 0) + value / count;
  }
  for (const [at, value] of values.entries()) {
    const channel = at % channelCount;
    squares[channel] = (squares[channel] ?? 0) + (value - (centers[channel] ?? 0)) ** 2 / count;
  }
  return sumOf(squares.map(Math.sqrt)) / channelCount;
}

/** Returns the table of the neurons whose bits flip most. */
export function flipTable(figures: readonly SiteFigures[]): Block {
  const rows = figures.flatMap((one) => {
    const { site, ones, flips, elementCount } = one;
    const perUnit = elementCount / site.target.unitCount;
    return Array.from(ones, (count, unit) => {
      const of = (rule: ThresholdRule): number | null => {
        const own = flips.get(rule)?.[unit];
        return own === undefined ? null : own / perUnit;
      };
      const shares = { mean: of('mean'), third: of('third-moment'), static: of('static') };
      return {
        neuron: formatAddress({ layer: site.layer, unit }),
        ones: count / perUnit,
        ...shares,
        most: Math.max(...Object.values(shares).map((share) => share ?? 0)),
      };
    });
  });
  rows.sort((a, b) => b.most - a.most);
  return {
    type: 'table',
    title: 'Neurons whose bits flip most',
    columns: [
      { key: 'neuron', label: 'Neuron', kind: 'address' },
      { key: 'ones', label: 'Ones', kind: 'percent' },
      { key: 'mean', label: 'By the mean', kind: 'percent' },
      { key: 'third', label: 'By the third moment', kind: 'percent' },
      { key: 'static', label: 'By own thresholds', kind: 'percent' },
    ],
    rows: rows.slice(0, listedCount).map(({ most: _most, ...row }) => row),
  };
}
