import type { Dataset } from '../../../data/dataset.js';
import type { Block, ChartBlock, TableBlock, TableColumn } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { rowName, rowPicture, rowText } from '../../shared/rowViews.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';
import type { MeasuredDiversity, SampleDiversity, SampleInputs } from './measureDiversity.js';
import { type DiversityBin, isWrong, type Ranking, scaledVariance } from './ranking.js';

const binRows = (bins: readonly DiversityBin[]) =>
  bins.map(({ sampleCount, lowest, highest, errors }, bin) => ({
    bin: bin + 1,
    samples: sampleCount,
    lowest: toReportNumber(lowest),
    highest: toReportNumber(highest),
    errors: errors?.count ?? null,
    rate: errors === undefined ? null : errors.count / errors.total,
    low: errors?.low ?? null,
    high: errors?.high ?? null,
  }));

const binColumns: readonly TableColumn[] = [
  { key: 'bin', label: 'Bin', kind: 'count', description: '1: the least diverse samples.' },
  { key: 'samples', label: 'Samples', kind: 'count' },
  { key: 'lowest', label: 'Variance from', kind: 'number' },
  { key: 'highest', label: 'To', kind: 'number' },
];

const errorColumns: readonly TableColumn[] = [
  { key: 'errors', label: 'Errors', kind: 'count' },
  { key: 'rate', label: 'Error rate', kind: 'percent' },
  { key: 'low', label: '95 % from', kind: 'percent' },
  { key: 'high', label: '95 % to', kind: 'percent' },
];

/** Returns the error rate over the ranking with its interval; without answers to judge, how variance spreads over it. */
export function binChart(bins: readonly DiversityBin[], layer: string): ChartBlock {
  const isJudged = bins.some(({ errors }) => errors !== undefined);
  const rows = binRows(bins);
  return {
    type: 'chart',
    title: isJudged ? 'Error rate by diversity' : 'Variance over the samples',
    alt: isJudged
      ? `Share of wrong answers in ${bins.length} bins of samples, from the least diverse features at ${layer} to the most diverse, with intervals of 95 %.`
      : `Range of the variance at ${layer} in ${bins.length} bins of samples, from the least diverse to the most.`,
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      height: 220,
      data: { values: rows },
      encoding: { x: binAxis },
      layer: isJudged ? errorMarks : spreadMarks(layer),
    },
    table: { columns: isJudged ? [...binColumns, ...errorColumns] : [...binColumns], rows },
  };
}

const binAxis = {
  field: 'bin',
  type: 'ordinal',
  title: 'Samples by diversity, least first',
  axis: { labelAngle: 0 },
};

const errorMarks = [
  { mark: { type: 'bar', tooltip: true }, encoding: { y: quantity('rate', 'Error rate') } },
  {
    mark: { type: 'rule', strokeWidth: 2 },
    encoding: { y: quantity('low', 'Error rate'), y2: { field: 'high' } },
  },
];

function spreadMarks(layer: string): unknown[] {
  const y = { field: 'lowest', type: 'quantitative', title: `Variance at ${layer}` };
  return [{ mark: { type: 'bar', tooltip: true }, encoding: { y, y2: { field: 'highest' } } }];
}

function quantity(field: string, title: string): Readonly<Record<string, unknown>> {
  return { field, type: 'quantitative', title, axis: { format: '%' }, scale: { zero: true } };
}

/** Returns the least diverse samples: pictures where an input is one, and a table that spells out the others. */
export function leastDiverseBlocks(
  ranking: Ranking,
  inputs: MeasuredDiversity['inputs'],
  data: Dataset,
): Block[] {
  const shown = ranking.ranked.slice(0, inputs.size);
  const classOf = (index: number | undefined): string | null =>
    index === undefined || index < 0 ? null : (data.labelNames?.[index] ?? String(index));
  const images = shown.flatMap((sample) => {
    const text = captionOf(sample, classOf);
    const { feeds = {}, row = 0 } = inputs.get(sample.index) ?? {};
    const picture = rowPicture(feeds, row, text);
    return picture === undefined ? [] : [{ ...picture, caption: text }];
  });
  const isSpelled = images.length === 0;
  const isLabelled = shown.some(({ label }) => label !== undefined);
  const table: TableBlock = {
    type: 'table',
    title: 'Least diverse samples',
    columns: sampleColumns.filter(
      ({ key }) => (key !== 'content' || isSpelled) && (isLabelled || !labelKeys.has(key)),
    ),
    rows: shown.map((sample, i) => ({
      ...(isSpelled ? { content: contentOf(inputs.get(sample.index), data) } : {}),
      rank: i + 1,
      sample: rowName(sample.id),
      variance: toReportNumber(sample.variance),
      scaled: toReportNumber(scaledVariance(sample, ranking.ranked)),
      label: classOf(sample.label),
      answer: classOf(sample.prediction),
      outcome: outcomeOf(sample),
    })),
    omittedRowCount: ranking.ranked.length - shown.length,
  };
  if (isSpelled) return [table];
  const alt = 'The samples whose features vary least, least first, with label and answer.';
  return [{ type: 'image-grid', title: 'Least diverse samples', alt, images }, table];
}

const labelKeys: ReadonlySet<string> = new Set(['label', 'answer', 'outcome']);

const sampleColumns: TableColumn[] = [
  { key: 'rank', label: 'Rank', kind: 'count' },
  { key: 'sample', label: 'Sample', kind: 'text' },
  {
    key: 'variance',
    label: 'Variance',
    kind: 'number',
    description: 'Over all units and positions of the layer, for this sample.',
  },
  {
    key: 'scaled',
    label: 'Scaled',
    kind: 'number',
    description: '0 for the least variance of all samples, 1 for the largest.',
  },
  { key: 'label', label: 'Label', kind: 'text' },
  { key: 'answer', label: 'Model', kind: 'text' },
  { key: 'outcome', label: 'Outcome', kind: 'text' },
  { key: 'content', label: 'What it is', kind: 'text' },
];

function contentOf(inputs: SampleInputs | undefined, data: Dataset): string | null {
  return inputs === undefined ? null : rowText(inputs.feeds, inputs.row, data);
}

function outcomeOf(sample: SampleDiversity): string | null {
  const wrong = isWrong(sample);
  return wrong === undefined ? null : wrong ? 'wrong' : 'right';
}

function captionOf(sample: SampleDiversity, classOf: (index: number | undefined) => string | null): string {
  const [label, answer] = [classOf(sample.label), classOf(sample.prediction)];
  const said = [
    ...(label === null ? [] : [label]),
    ...(answer === null ? [] : [`the model says ${answer}`]),
    `variance ${formatNumber(sample.variance)}`,
  ];
  return `${rowName(sample.id)}: ${said.join(', ')}`;
}
