import type { TableBlock } from '../../../protocol/blocks.js';
import type { Finding } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import type { RowFunction } from '../functions/rowFunction.js';
import { planeChart, short, sliceChart } from './sliceCharts.js';
import type { Plane, Slice } from './slices.js';

/** Above this the mean curve is no picture of the rows. */
const heterogeneous = 0.5;

/** Returns the report of slices. */
export function sliceReport(
  f: RowFunction,
  { slices, plane }: { readonly slices: readonly Slice[]; readonly plane: Plane | undefined },
): ReportDraft {
  const widest = slices.reduce<Slice | undefined>(
    (best, slice) => (slice.range > (best?.range ?? -1) ? slice : best),
    undefined,
  );
  return {
    title: 'Function explorer',
    summary: summaryOf(f, slices, widest),
    usedCount: f.rowCount,
    metrics: {
      sweptCount: slices.length,
      largestRange: widest?.range ?? 0,
      largestHeterogeneity: Math.max(0, ...slices.map(({ heterogeneity }) => heterogeneity)),
    },
    evidence: { sweptCount: f.evidence, largestRange: f.evidence, largestHeterogeneity: f.evidence },
    findings: sliceFindings(slices),
    arrays: sliceArrays(f, slices, plane),
    blocks: [
      {
        type: 'metrics',
        items: [
          { metric: 'sweptCount', label: 'Swept features', format: 'count' },
          { metric: 'largestRange', label: 'Largest range of a mean curve' },
          { metric: 'largestHeterogeneity', label: 'Largest heterogeneity', format: 'percent' },
        ],
      },
      { type: 'findings' },
      ...slices.map((slice) => sliceChart(slice, f.explained, f.rowNames)),
      ...(plane === undefined ? [] : [planeChart(plane, f.explained, f.rowNames)]),
      sliceTable(slices),
      { type: 'citation', papers: ['mccarter2024', 'friedman2001', 'goldstein2015'] },
    ],
    warnings: f.warnings,
  };
}

function summaryOf(f: RowFunction, slices: readonly Slice[], widest: Slice | undefined): string {
  if (widest === undefined) return `${f.explained} has no features to sweep.`;
  const rowsText = `${f.rowCount.toLocaleString('en-US')} row${f.rowCount === 1 ? '' : 's'}`;
  return `Of ${String(slices.length)} swept features, ${widest.name} moves ${f.explained} most: by ${short(widest.range)} on the mean of ${rowsText}.`;
}

function sliceFindings(slices: readonly Slice[]): Finding[] {
  const notFinite = slices.filter(({ range, individualRange }) => !Number.isFinite(range + individualRange));
  const apart = slices.filter(({ heterogeneity }) => heterogeneity > heterogeneous);
  return [
    ...notFinite.map((slice): Finding => ({
      severity: 'error',
      message: `The output is NaN or infinite somewhere along ${slice.name}.`,
      advice:
        'Look at the table under its chart for where, and at the model for what divides or takes a logarithm there.',
    })),
    ...(apart.length === 0
      ? []
      : [
          {
            severity: 'info' as const,
            message: `The rows do not agree on ${apart.map(({ name }) => name).join(', ')}: most of what the curves do along ${apart.length === 1 ? 'it' : 'them'} is not in their mean.`,
            advice:
              'Read the thin lines, not the thick one, and run feature-interactions: another feature decides what this one does.',
          },
        ]),
  ];
}

function sliceTable(slices: readonly Slice[]): TableBlock {
  return {
    type: 'table',
    title: 'Swept features',
    columns: [
      { key: 'name', label: 'Feature', kind: 'text' },
      { key: 'range', label: 'Range of the mean', kind: 'number' },
      { key: 'individual', label: 'Mean range of a row', kind: 'number' },
      {
        key: 'heterogeneity',
        label: 'Heterogeneity',
        kind: 'percent',
        description: 'Share of the curves’ variance along the feature that their mean does not have.',
      },
    ],
    rows: slices.map(({ name, range, individualRange, heterogeneity }) => ({
      name,
      range: toReportNumber(range),
      individual: toReportNumber(individualRange),
      heterogeneity: toReportNumber(heterogeneity),
    })),
  };
}

function sliceArrays(
  { evidence }: RowFunction,
  slices: readonly Slice[],
  plane: Plane | undefined,
): Record<string, ResultArray> {
  const array = (data: Float64Array, dims: readonly number[]): ResultArray => ({
    value: { dtype: 'float64', dims, data },
    evidence,
  });
  const arrays: Record<string, ResultArray> = {};
  for (const { feature, grid, mean, curves } of slices) {
    const name = `feature${String(feature)}`;
    arrays[`${name}.grid`] = array(grid, [grid.length]);
    arrays[`${name}.partialDependence`] = array(mean, [grid.length]);
    arrays[`${name}.individual`] = array(Float64Array.from(curves.flatMap((curve) => [...curve])), [
      curves.length,
      grid.length,
    ]);
  }
  if (plane === undefined) return arrays;
  const [first, second] = plane.grids;
  arrays['plane.first'] = array(first, [first.length]);
  arrays['plane.second'] = array(second, [second.length]);
  arrays['plane.values'] = array(plane.values, [first.length, second.length]);
  return arrays;
}
