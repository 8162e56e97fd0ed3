import type { Block, ChartBlock } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { rowName } from '../attribution/rows.js';
import type { AdversarialStudy } from './study.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** What ε is measured in, for axes. */
const epsilonWords = {
  linf: 'ε: largest step of an element (L∞), in units of the input',
  l2: 'ε: length of the perturbation (L2), in units of the input',
};

/** Returns the accuracy against ε, of the attack and of random noise of the same size. */
export function accuracyChart(
  { curve, isTargeted }: AdversarialStudy,
  attack: string,
  norm: 'linf' | 'l2',
): ChartBlock {
  const what = isTargeted ? 'Rows not taken for the class wanted' : 'Accuracy';
  const values = curve.flatMap(({ epsilon, accuracy, noiseAccuracy }) => [
    { epsilon, series: attack, accuracy },
    { epsilon, series: 'random noise', accuracy: noiseAccuracy },
  ]);
  return {
    type: 'chart',
    title: 'Accuracy against ε',
    alt: `${what} as the allowed perturbation grows, under ${attack} and under random noise of the same size.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values },
      mark: { type: 'line', point: true, tooltip: true },
      encoding: {
        x: { field: 'epsilon', type: 'quantitative', title: epsilonWords[norm] },
        y: {
          field: 'accuracy',
          type: 'quantitative',
          title: what,
          scale: { domain: [0, 1] },
          axis: { format: '%' },
        },
        color: { field: 'series', type: 'nominal', title: null },
      },
    },
    table: accuracyTable(curve, what, attack),
  };
}

function accuracyTable(curve: AdversarialStudy['curve'], what: string, attack: string): ChartBlock['table'] {
  return {
    columns: [
      { key: 'epsilon', label: 'ε', kind: 'number' },
      { key: 'accuracy', label: `${what}, ${attack}`, kind: 'percent' },
      { key: 'noise', label: `${what}, random noise`, kind: 'percent' },
    ],
    rows: curve.map(({ epsilon, accuracy, noiseAccuracy }) => ({
      epsilon,
      accuracy,
      noise: noiseAccuracy,
    })),
  };
}

/** Returns the smallest perturbation of every row that was right, sorted; nothing when none was sought. */
export function minimalBlocks(study: AdversarialStudy, labelNames: readonly string[] | undefined): Block[] {
  const { minimal, cleanGaps } = study;
  if (minimal === undefined) return [];
  const sorted = [...minimal.keys()]
    .filter((row) => !((cleanGaps[row] ?? NaN) > 0))
    .sort((a, b) => (minimal[a] ?? 0) - (minimal[b] ?? 0));
  const finite = sorted.filter((row) => Number.isFinite(minimal[row]));
  return [
    {
      type: 'chart',
      title: 'Smallest perturbation that fools, row by row',
      alt: `How many rows are fooled by perturbations up to each size; ${String(sorted.length - finite.length)} rows were never fooled.`,
      spec: {
        $schema: vegaLiteSchema,
        data: { values: finite.map((row) => ({ size: minimal[row] ?? 0 })) },
        mark: { type: 'bar', tooltip: true },
        encoding: {
          x: {
            field: 'size',
            type: 'quantitative',
            bin: { maxbins: 20 },
            title: 'Smallest perturbation, in units of the input',
          },
          y: { aggregate: 'count', type: 'quantitative', title: 'Rows', axis: { tickMinStep: 1 } },
        },
      },
      table: minimalTable(study, minimal, { sorted, labelNames }),
    },
  ];
}

function minimalTable(
  { rows, classes }: AdversarialStudy,
  minimal: Float64Array,
  {
    sorted,
    labelNames,
  }: { readonly sorted: readonly number[]; readonly labelNames: readonly string[] | undefined },
): ChartBlock['table'] {
  return {
    columns: [
      { key: 'row', label: 'Row', kind: 'text' },
      { key: 'class', label: 'Class', kind: 'text' },
      {
        key: 'size',
        label: 'Smallest perturbation',
        kind: 'number',
        description: 'An upper bound: a stronger attack may find a smaller one.',
      },
    ],
    rows: sorted.map((row) => ({
      row: rowName(rows.ids[row] ?? String(row)),
      class: labelNames?.[classes[row] ?? -1] ?? `class ${String(classes[row])}`,
      size: toReportNumber(minimal[row] ?? NaN),
    })),
  };
}

/** Returns how examples of each model fare on the other; nothing without another model. */
export function transferBlocks({ transfer, cleanGaps }: AdversarialStudy, name: string): Block[] {
  if (transfer === undefined) return [];
  const clean = [...cleanGaps].filter((gap) => !(gap > 0)).length / cleanGaps.length;
  const [forth, back] = transfer.accuracies;
  return [
    {
      type: 'table',
      title: 'Transfer between the models',
      alt: 'Accuracy of both models on clean rows and on examples made against each of them.',
      columns: [
        { key: 'made', label: 'Rows', kind: 'text' },
        { key: 'own', label: `Accuracy of ${name}`, kind: 'percent' },
        { key: 'other', label: `Accuracy of ${transfer.otherName}`, kind: 'percent' },
        {
          key: 'rate',
          label: 'Transferred',
          kind: 'bar',
          description:
            'Of the rows that both got right and the attacked model was fooled on, those that fool the other.',
        },
      ],
      rows: [
        { made: 'as they are', own: clean, other: transfer.otherAccuracy, rate: null },
        {
          made: `made against ${name}`,
          own: forth?.[0] ?? null,
          other: forth?.[1] ?? null,
          rate: toReportNumber(transfer.rate),
        },
        {
          made: `made against ${transfer.otherName}`,
          own: back?.[0] ?? null,
          other: back?.[1] ?? null,
          rate: toReportNumber(transfer.rateBack),
        },
      ],
    },
  ];
}
