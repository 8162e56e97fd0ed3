import type {
  Block,
  ChartBlock,
  ImageGridBlock,
  Picture,
  ReportNumber,
  TableBlock,
  TableColumn,
} from '../../../protocol/blocks.js';
import { formatAddress } from '../../../onnx/addresses.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { rowPicture, rowText } from '../../shared/rowViews.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';
import { rowName } from '../attribution/rows.js';
import type { InfluenceStudy, StudiedRows } from './study.js';

/** Rows asked about that are shown, proponents and opponents of each, and suspects: at most. */
const [shownTestCount, shownSideCount, shownSuspectCount] = [6, 4, 24];

/** A training row with how it moves one row asked about. */
export interface Influencer {
  readonly row: number;
  readonly influence: number;
}

/** Returns the training rows that lower the loss of a row most (proponents), or raise it most (opponents), strongest first. */
export function strongest(
  { influence, training, ownRows }: Pick<InfluenceStudy, 'influence' | 'training' | 'ownRows'>,
  test: number,
  side: 'proponents' | 'opponents',
): readonly Influencer[] {
  const count = training.rows.count;
  const sign = side === 'proponents' ? 1 : -1;
  return Array.from(influence.subarray(test * count, (test + 1) * count), (value, row) => ({
    row,
    influence: value,
  }))
    .filter(({ row, influence: value }) => row !== ownRows[test] && sign * value > 0)
    .sort((a, b) => sign * (b.influence - a.influence) || a.row - b.row);
}

/** Returns training rows by self-influence, largest first. */
export function suspects(selfInfluence: Float64Array): readonly Influencer[] {
  return Array.from(selfInfluence, (influence, row) => ({ row, influence })).sort(
    (a, b) => b.influence - a.influence || a.row - b.row,
  );
}

/** Returns the blocks between findings and citation. */
export function influenceBlocks(study: InfluenceStudy): Block[] {
  const tests = [...study.ownRows.keys()].slice(0, shownTestCount);
  const grid = influencerGrid(study, tests);
  const table = influencerTable(study, tests, grid === undefined);
  const { selfInfluence } = study;
  return [
    influenceChart(study, tests),
    ...(grid === undefined ? [] : [grid]),
    table,
    ...(selfInfluence === undefined ? [] : suspectBlocks(study, suspects(selfInfluence))),
    layerTable(study),
    ...(study.checkpoints.length > 1 ? [checkpointTable(study)] : []),
  ];
}

function labelName({ data }: StudiedRows, label: number | undefined): string {
  return data.labelNames?.[label ?? -1] ?? String(label ?? '');
}

function caption(rows: StudiedRows, row: number): string {
  return `${rowName(rows.rows.ids[row] ?? '')}: ${labelName(rows, rows.labels[row])}`;
}

interface Line {
  readonly test: number;
  readonly side: 'proponent' | 'opponent';
  readonly influencer: Influencer;
}

function linesOf(study: InfluenceStudy, tests: readonly number[]): readonly Line[] {
  return tests.flatMap((test) =>
    (['proponents', 'opponents'] as const).flatMap((side) =>
      strongest(study, test, side)
        .slice(0, shownSideCount)
        .map((influencer): Line => ({
          test,
          side: side === 'proponents' ? 'proponent' : 'opponent',
          influencer,
        })),
    ),
  );
}

const influencerColumns: TableColumn[] = [
  { key: 'asked', label: 'Row', kind: 'text' },
  {
    key: 'side',
    label: 'Side',
    kind: 'text',
    description: 'A proponent lowered the loss of the row, an opponent raised it.',
  },
  { key: 'training', label: 'Training row', kind: 'text' },
  { key: 'label', label: 'Its label', kind: 'text' },
  {
    key: 'influence',
    label: 'Influence',
    kind: 'number',
    description: 'Σ η ∇L(row) · ∇L(training row) over the checkpoints, in units of the loss.',
  },
  { key: 'content', label: 'What it is', kind: 'text' },
];

/** Pictures stand beside the table; what is none is spelled out in it. */
function influencerTable(study: InfluenceStudy, tests: readonly number[], isSpelled: boolean): TableBlock {
  const { test, training } = study;
  return {
    type: 'table',
    title: 'Proponents and opponents',
    columns: influencerColumns.filter(({ key }) => key !== 'content' || isSpelled),
    rows: linesOf(study, tests).map(({ test: asked, side, influencer: { row, influence } }) => ({
      asked: caption(test, asked),
      side,
      training: rowName(training.rows.ids[row] ?? ''),
      label: labelName(training, training.labels[row]),
      influence: toReportNumber(influence),
      ...(isSpelled ? { content: rowText(training.rows.feeds, row, training.data) } : {}),
    })),
  };
}

function influenceChart(study: InfluenceStudy, tests: readonly number[]): ChartBlock {
  const { test, training } = study;
  const rows = linesOf(study, tests).map(({ test: asked, influencer: { row, influence } }) => ({
    asked: caption(test, asked),
    training: caption(training, row),
    influence: toReportNumber(influence),
    label: training.labels[row] === test.labels[asked] ? 'the same' : 'another',
  }));
  return {
    type: 'chart',
    title: 'Influence of training rows',
    alt: 'The training rows that lowered (right of zero) and raised (left) the loss of each row most, by whether they have its label.',
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      data: { values: rows.filter(({ influence }) => typeof influence === 'number') },
      mark: { type: 'tick', thickness: 3, tooltip: true },
      encoding: {
        y: { field: 'asked', type: 'nominal', sort: null, title: null },
        x: { field: 'influence', type: 'quantitative', title: 'Influence on the loss' },
        color: { field: 'label', type: 'nominal', title: 'Label', sort: ['the same', 'another'] },
      },
    },
    table: {
      columns: [
        { key: 'asked', label: 'Row', kind: 'text' },
        { key: 'training', label: 'Training row', kind: 'text' },
        { key: 'influence', label: 'Influence', kind: 'number' },
        { key: 'label', label: 'Label', kind: 'text' },
      ],
      rows,
    },
  };
}

/** Each row asked about followed by its proponents and opponents; undefined where inputs are no pictures. */
function influencerGrid(study: InfluenceStudy, tests: readonly number[]): ImageGridBlock | undefined {
  const { test, training } = study;
  const lines = linesOf(study, tests);
  const images = tests.flatMap((asked) => [
    pictured(test, asked, `Asked: ${caption(test, asked)}`),
    ...lines
      .filter((line) => line.test === asked)
      .map(({ side, influencer: { row, influence } }) =>
        pictured(training, row, `${side} ${caption(training, row)}, ${formatNumber(influence)}`),
      ),
  ]);
  const found = images.filter((image) => image !== undefined);
  if (found.length === 0) return undefined;
  return {
    type: 'image-grid',
    title: 'Rows with the training rows that moved them',
    alt: 'Each row that is asked about, followed by its proponents and its opponents among the training rows.',
    images: found,
  };
}

function pictured({ rows }: StudiedRows, row: number, text: string): Picture | undefined {
  const picture = rowPicture(rows.feeds, row, text);
  return picture === undefined ? undefined : { ...picture, caption: text };
}

function suspectBlocks(study: InfluenceStudy, ordered: readonly Influencer[]): Block[] {
  const { training, predictions } = study;
  const shown = ordered.slice(0, shownSuspectCount);
  const rows = shown.map(({ row, influence }) => ({
    row: rowName(training.rows.ids[row] ?? ''),
    label: labelName(training, training.labels[row]),
    model: predictions === undefined ? null : labelName(training, predictions.training[row]),
    influence: toReportNumber(influence),
    content: rowText(training.rows.feeds, row, training.data),
  }));
  const images = shown.flatMap(({ row, influence }) => {
    const said =
      predictions === undefined ? '' : `, the model says ${labelName(training, predictions.training[row])}`;
    return pictured(training, row, `${caption(training, row)}${said}, ${formatNumber(influence)}`) ?? [];
  });
  const chart = suspectChart(rows);
  if (images.length === 0) return [chart];
  return [
    chart,
    {
      type: 'image-grid',
      title: 'Look here for wrong labels',
      alt: 'The training rows with the largest self-influence, largest first.',
      images,
    },
  ];
}

interface Suspect {
  readonly row: string;
  readonly label: string;
  readonly model: string | null;
  readonly influence: ReportNumber;
  readonly content: string;
}

function suspectChart(rows: readonly Suspect[]): ChartBlock {
  return {
    type: 'chart',
    title: 'Training rows with the largest self-influence',
    alt: 'How much the training rows that moved their own loss most did so, largest first, by whether the model agrees with their labels.',
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      data: {
        values: rows
          .filter(({ influence }) => typeof influence === 'number')
          .map((each) => ({ ...each, answer: answerOf(each) })),
      },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        x: { field: 'row', type: 'nominal', sort: null, title: null },
        y: { field: 'influence', type: 'quantitative', title: 'Self-influence' },
        color: { field: 'answer', type: 'nominal', title: 'The model' },
      },
    },
    table: { columns: suspectColumns, rows: rows.map((each) => ({ ...each })) },
  };
}

function answerOf({ label, model }: { readonly label: string; readonly model: string | null }): string {
  if (model === null) return 'gives a number';
  return model === label ? 'agrees with the label' : 'says another class';
}

const suspectColumns: TableColumn[] = [
  { key: 'row', label: 'Training row', kind: 'text' },
  { key: 'label', label: 'Label', kind: 'text' },
  { key: 'model', label: 'Model', kind: 'text', description: 'What the last checkpoint predicts.' },
  {
    key: 'influence',
    label: 'Self-influence',
    kind: 'number',
    description: 'Σ η ‖∇L‖² over the checkpoints.',
  },
  { key: 'content', label: 'What it is', kind: 'text' },
];

function layerTable({ layers }: InfluenceStudy): TableBlock {
  return {
    type: 'table',
    title: 'Layers whose weights count',
    columns: [
      { key: 'layer', label: 'Layer', kind: 'address' },
      { key: 'parameters', label: 'Parameters', kind: 'count' },
      { key: 'share', label: 'Share', kind: 'bar', description: 'Of Σ η ‖∇L‖² over the rows asked about.' },
    ],
    rows: layers.map(({ name, parameterCount, share }) => ({
      layer: formatAddress({ layer: name }),
      parameters: parameterCount,
      share: toReportNumber(share),
    })),
  };
}

function checkpointTable({ checkpoints }: InfluenceStudy): TableBlock {
  return {
    type: 'table',
    title: 'Checkpoints',
    columns: [
      { key: 'name', label: 'Checkpoint', kind: 'text' },
      { key: 'rate', label: 'Learning rate', kind: 'number' },
      { key: 'accuracy', label: 'Accuracy', kind: 'percent', description: 'On the training rows read.' },
    ],
    rows: checkpoints.map(({ name, learningRate, accuracy }) => ({
      name,
      rate: learningRate,
      accuracy: accuracy ?? null,
    })),
  };
}
