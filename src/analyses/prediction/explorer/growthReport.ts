import type { Block, ChartBlock, MetricsBlock, TableColumn } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { Evidence } from '../../../protocol/report.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import type { ContextFunction } from './contextFunction.js';
import { short } from './sliceCharts.js';
import type { Growth } from './trainingSize.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Returns the report of a function that grows with its training set. */
export function growthReport(f: ContextFunction, growth: Growth, repeats: number): ReportDraft {
  const { sizes } = growth;
  // A subset of all rows leaves none out.
  const judged = sizes.filter(({ accuracy }) => !Number.isNaN(accuracy));
  const hasAccuracy = judged.length > 0;
  const largest = judged.at(-1);
  const how = 'random subsets of the training set for each size';
  const evidence: Evidence = { kind: 'sampled', n: repeats, how };
  return {
    title: 'Function explorer: training set size',
    summary: summaryOf(f, growth, judged),
    metrics: {
      trainCount: f.table.trainCount,
      smallestDistance: sizes[0]?.distance ?? NaN,
      ...(largest === undefined ? {} : { leftOutAccuracy: largest.accuracy }),
    },
    evidence: {
      trainCount: { kind: 'measured' },
      smallestDistance: evidence,
      leftOutAccuracy: hasAccuracy
        ? evidence
        : { kind: 'not-captured', how: 'no input holds a class for each training row, or none was left out' },
    },
    findings: [],
    arrays: growthArrays(growth, evidence),
    blocks: [
      metricsBlock(hasAccuracy),
      sizeCurves(growth, f.explained),
      learningCurve(growth, hasAccuracy),
      { type: 'citation', papers: ['mccarter2024'] },
    ],
    warnings: f.warnings,
  };
}

function summaryOf({ table }: ContextFunction, { sizes, name }: Growth, judged: Growth['sizes']): string {
  const [first, last] = [sizes[0], sizes.at(-1)];
  const [fewest, most] = [judged[0], judged.at(-1)];
  const accuracy =
    fewest === undefined || most === undefined
      ? ''
      : `, and the accuracy on the rows left out goes from ${percent(fewest.accuracy)} to ${percent(most.accuracy)}`;
  return `From ${String(first?.size)} to ${String(last?.size)} training rows, the function along ${name} comes from ${short(first?.distance)} to ${short(last?.distance)} of the one that all ${String(table.trainCount)} give${accuracy}.`;
}

function metricsBlock(hasAccuracy: boolean): Block {
  const items: MetricsBlock['items'] = [
    { metric: 'trainCount', label: 'Training rows', format: 'count' },
    { metric: 'smallestDistance', label: 'Distance at the fewest rows' },
  ];
  const accuracy = {
    metric: 'leftOutAccuracy',
    label: 'Accuracy on rows left out',
    format: 'percent',
  } as const;
  return { type: 'metrics', items: hasAccuracy ? [...items, accuracy] : items };
}

function percent(share: number): string {
  return formatNumber(toReportNumber(share), 'percent');
}

function sizeCurves({ name, grid, whole, sizes }: Growth, explained: string): ChartBlock {
  const curves = [
    ...sizes.map(({ size, mean }) => ({ size: String(size), mean })),
    { size: 'all', mean: whole },
  ];
  const values = curves.flatMap(({ size, mean }) =>
    Array.from(grid, (at, i) => ({ size, at, value: toReportNumber(mean[i] ?? NaN) })),
  );
  const order = curves.map(({ size }) => size);
  return {
    type: 'chart',
    title: `Along ${name}, by training rows`,
    alt: `${explained} along ${name}, the mean over queries and subsets: a line for each size of the training set.`,
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      height: 240,
      data: { values },
      mark: 'line',
      encoding: {
        x: { field: 'at', type: 'quantitative', title: name, scale: { zero: false } },
        y: { field: 'value', type: 'quantitative', title: 'f', scale: { zero: false } },
        color: { field: 'size', type: 'nominal', title: 'Training rows', sort: order },
      },
    },
    table: {
      columns: [
        { key: 'at', label: name, kind: 'number' },
        ...order.map((size) => ({ key: `size${size}`, label: rowsText(size), kind: 'number' as const })),
      ],
      rows: Array.from(grid, (at, i) => ({
        at: toReportNumber(at),
        ...Object.fromEntries(
          curves.map(({ size, mean }) => [`size${size}`, toReportNumber(mean[i] ?? NaN)]),
        ),
      })),
    },
  };
}

function rowsText(size: string): string {
  return size === '1' ? '1 row' : `${size} rows`;
}

function learningCurve({ sizes }: Growth, hasAccuracy: boolean): ChartBlock {
  const rows = sizes.map(({ size, distance, accuracy, accuracyError }) => ({
    size,
    distance: toReportNumber(distance),
    accuracy: Number.isNaN(accuracy) ? null : accuracy,
    error: Number.isNaN(accuracyError) ? null : 100 * accuracyError,
  }));
  const [field, title] = hasAccuracy ? ['accuracy', 'Accuracy on rows left out'] : ['distance', 'Distance'];
  return {
    type: 'chart',
    title: hasAccuracy ? 'Learning in context' : 'Distance from the whole training set',
    alt: `${title} against the number of training rows.`,
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      height: 180,
      data: { values: rows },
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'size', type: 'quantitative', title: 'Training rows', scale: { zero: false } },
        y: {
          ...{ field, type: 'quantitative', title, scale: { zero: false } },
          ...(hasAccuracy ? { axis: { format: '%' } } : {}),
        },
      },
    },
    table: {
      columns: learningColumns,
      rows,
    },
  };
}

const learningColumns: TableColumn[] = [
  { key: 'size', label: 'Training rows', kind: 'count' },
  {
    key: 'distance',
    label: 'Distance',
    kind: 'number',
    description: 'Root mean square distance of a subset’s curve from that of all rows.',
  },
  {
    key: 'accuracy',
    label: 'Accuracy on rows left out',
    kind: 'percent',
    description: '– where no row is left out, or none has a class.',
  },
  {
    key: 'error',
    label: 'Standard error',
    kind: 'number',
    unit: 'points',
    description: 'Over subsets; – where there is only one.',
  },
];

function growthArrays({ grid, whole, sizes }: Growth, evidence: Evidence): Record<string, ResultArray> {
  const array = (values: readonly number[] | Float64Array, dims: readonly number[]): ResultArray => ({
    value: { dtype: 'float64', dims, data: Float64Array.from(values) },
    evidence,
  });
  return {
    grid: array(grid, [grid.length]),
    whole: array(whole, [grid.length]),
    sizes: array(
      sizes.map(({ size }) => size),
      [sizes.length],
    ),
    bySize: array(
      sizes.flatMap(({ mean }) => [...mean]),
      [sizes.length, grid.length],
    ),
    distance: array(
      sizes.map(({ distance }) => distance),
      [sizes.length],
    ),
    accuracy: array(
      sizes.map(({ accuracy }) => accuracy),
      [sizes.length],
    ),
  };
}
