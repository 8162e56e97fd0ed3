import type { ChartBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { lossWords } from './losses.js';
import type { ForwardSelection } from './measures.js';
import type { Ranking } from './ranking.js';
import type { Shuffling } from './shuffling.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Returns the importances as a chart with its table, largest first. */
export function rankingChart(
  { loss }: Shuffling,
  { names, importances, shapley }: Ranking,
  options: { readonly title: string; readonly what: string },
): ChartBlock {
  const rows = names
    .map((name, i): Record<string, TableCell> => ({
      name,
      importance: toReportNumber(importances[i]?.mean ?? NaN),
      standardError: toReportNumber(importances[i]?.standardError ?? NaN),
      ...(shapley === undefined ? {} : { shapley: toReportNumber(shapley[i] ?? NaN) }),
    }))
    .sort((a, b) => Number(b['importance']) - Number(a['importance']));
  const rise = `How much the ${lossWords[loss]} rises when it is shuffled over the rows.`;
  const columns = rankingColumns(options.what, rise, shapley !== undefined);
  return {
    type: 'chart',
    title: options.title,
    alt: `${rise} Largest first.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows.slice(0, 30) },
      mark: 'bar',
      encoding: {
        y: { field: 'name', type: 'nominal', sort: null, title: null },
        x: { field: 'importance', type: 'quantitative', title: `Rise of the ${lossWords[loss]}` },
      },
    },
    table: { columns, rows },
  };
}

function rankingColumns(what: string, rise: string, hasShapley: boolean): TableColumn[] {
  const columns: TableColumn[] = [
    { key: 'name', label: what, kind: 'text' },
    { key: 'importance', label: 'Importance', kind: 'number', description: rise },
    { key: 'standardError', label: 'Standard error', kind: 'number', description: 'Over repeats.' },
  ];
  if (!hasShapley) return columns;
  const description = 'Mean absolute Shapley value for the score of the predicted class.';
  return [...columns, { key: 'shapley', label: 'Mean |Shapley|', kind: 'number', description }];
}

/** Returns how the loss falls as features are added, as a chart with its table. */
export function selectionChart(
  { loss, intactLoss }: Shuffling,
  names: readonly string[],
  selection: ForwardSelection,
): ChartBlock {
  const rows = [
    { step: 0, name: 'none', loss: toReportNumber(selection.without) },
    ...selection.steps.map((step, i) => ({
      step: i + 1,
      name: names[step.set] ?? '',
      loss: toReportNumber(step.loss),
    })),
  ];
  return {
    type: 'chart',
    title: 'Forward selection',
    alt: `The ${lossWords[loss]} as features are added one by one, from none to ${String(selection.steps.length)}; with all of them it is ${intactLoss.toPrecision(4)}.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'step', type: 'quantitative', title: 'Features that are intact' },
        y: { field: 'loss', type: 'quantitative', title: `Mean ${lossWords[loss]}` },
      },
    },
    table: { columns: selectionColumns, rows },
  };
}

const selectionColumns: TableColumn[] = [
  { key: 'step', label: 'Step', kind: 'count' },
  { key: 'name', label: 'Added', kind: 'text' },
  {
    key: 'loss',
    label: 'Loss',
    kind: 'number',
    description: 'With what was added so far, all others from other rows.',
  },
];
