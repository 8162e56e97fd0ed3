import { sumOf } from '../../../../engine/numeric/vectors.js';
import type { ChartBlock, TableColumn } from '../../../../protocol/blocks.js';
import { toReportNumber } from '../../../../protocol/reportNumbers.js';
import type { Features } from '../../features/features.js';
import { barSpec } from './tables.js';

/** Features listed per chart. */
const topCount = 20;

/** Returns the features with the largest mean absolute share over rows, as a bar chart with its table. */
export function featureShareChart(
  features: Features,
  shares: readonly Float64Array[],
  standardErrors: readonly Float64Array[] | undefined,
): ChartBlock {
  const meanOf = (values: readonly number[]): number => sumOf(values) / Math.max(1, values.length);
  const rows = Array.from({ length: features.maxCount }, (_, feature) => {
    const own = shares.map((row) => row[feature]).filter((share) => share !== undefined);
    const errors = (standardErrors ?? []).map((row) => row[feature] ?? 0);
    return {
      element: features.nameOf(feature),
      meanAbsolute: toReportNumber(meanOf(own.map(Math.abs))),
      mean: toReportNumber(meanOf(own)),
      ...(standardErrors === undefined ? {} : { standardError: toReportNumber(Math.max(0, ...errors)) }),
    };
  })
    .sort((a, b) => Number(b.meanAbsolute) - Number(a.meanAbsolute))
    .slice(0, topCount);
  return {
    type: 'chart',
    title: 'What the features contribute',
    alt: `Mean absolute share per feature over ${String(shares.length)} rows, largest first.`,
    spec: barSpec(rows),
    table: { columns: columnsOf(standardErrors !== undefined), rows },
  };
}

function columnsOf(hasErrors: boolean): TableColumn[] {
  const columns: TableColumn[] = [
    { key: 'element', label: 'Feature', kind: 'text' },
    { key: 'meanAbsolute', label: 'Mean |share|', kind: 'number' },
    { key: 'mean', label: 'Mean share', kind: 'number', description: 'Signs cancel between rows.' },
  ];
  if (!hasErrors) return columns;
  const description = 'Largest standard error of a row’s share.';
  return [...columns, { key: 'standardError', label: 'Standard error', kind: 'number', description }];
}
