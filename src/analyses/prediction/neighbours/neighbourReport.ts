import { argmax } from '../../../engine/numeric/vectors.js';
import type {
  Block,
  ChartBlock,
  ImageGridBlock,
  Picture,
  TableBlock,
  TableColumn,
} from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { rowName } from '../attribution/rows.js';
import type { EnvironmentVote, Interpolation } from './measure.js';
import type { VotingRows } from './support.js';
import type { Vote } from './votes.js';
import { rowPicture } from '../../shared/rowViews.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Accuracy of a vote at one layer. */
export interface LayerAccuracy {
  readonly layer: string;
  /** NaN where the layer could not be read row by row. */
  readonly accuracy: number;
}

/** Returns the accuracy of every layer in the model's order, and the model's own. */
export function layerChart(layers: readonly LayerAccuracy[], modelAccuracy: number): ChartBlock {
  const rows = layers.map(({ layer, accuracy }) => ({ layer, accuracy: toReportNumber(accuracy) }));
  return {
    type: 'chart',
    title: 'Accuracy by layer',
    alt: `Accuracy of the vote at each layer, from input to output; the rule is the model’s own, ${(100 * modelAccuracy).toFixed(1)} %.`,
    spec: {
      $schema: vegaLiteSchema,
      layer: [
        {
          data: { values: rows.filter(({ accuracy }) => typeof accuracy === 'number') },
          mark: 'bar',
          encoding: {
            y: { field: 'layer', type: 'nominal', sort: null, title: null },
            x: { field: 'accuracy', type: 'quantitative', title: 'Accuracy', axis: { format: '%' } },
          },
        },
        {
          data: { values: [{ own: modelAccuracy }] },
          mark: 'rule',
          encoding: { x: { field: 'own', type: 'quantitative' } },
        },
      ],
    },
    table: {
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'accuracy', label: 'Accuracy of the vote', kind: 'percent' },
      ],
      rows,
    },
  };
}

/** Returns the accuracy of mixtures of vote and model. */
export function mixtureChart({ mixtures }: Interpolation): ChartBlock {
  const rows = mixtures.map(({ lambda, accuracy }) => ({ lambda, accuracy }));
  return {
    type: 'chart',
    title: 'Vote and model mixed',
    alt: 'Accuracy of λ · vote + (1 − λ) · model, from the model alone (0) to the vote alone (1).',
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      height: 180,
      data: { values: rows },
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'lambda', type: 'quantitative', title: 'λ' },
        y: {
          field: 'accuracy',
          type: 'quantitative',
          title: 'Accuracy',
          scale: { zero: false },
          axis: { format: '%' },
        },
      },
    },
    table: {
      columns: [
        { key: 'lambda', label: 'λ', kind: 'number' },
        { key: 'accuracy', label: 'Accuracy', kind: 'percent' },
      ],
      rows,
    },
  };
}

/** Returns how the vote changes when one environment votes. */
export function environmentTable(votes: readonly EnvironmentVote[]): TableBlock {
  return {
    type: 'table',
    title: 'Vote by environment',
    columns: [
      { key: 'environment', label: 'Environment', kind: 'number' },
      { key: 'rows', label: 'Support rows', kind: 'count' },
      { key: 'accuracy', label: 'Accuracy', kind: 'percent' },
      {
        key: 'changed',
        label: 'Changed',
        kind: 'percent',
        description: 'Queries that get another class than from all.',
      },
    ],
    rows: votes.map(({ environment, supportCount, accuracy, changedShare }) => ({
      environment: toReportNumber(environment),
      rows: supportCount,
      accuracy,
      changed: changedShare,
    })),
  };
}

/** A query with what the model and the vote make of it. */
export interface ShownQuery {
  readonly query: number;
  readonly modelClass: number;
  readonly vote: Vote;
}

const shownNeighbours = 5;

/** Returns the nearest support rows of some queries: pictures where the input is an image, and a table. */
export function neighbourBlocks(
  rows: VotingRows,
  shown: readonly ShownQuery[],
  labelNames: readonly string[] | undefined,
): Block[] {
  const nameOf = (label: number | undefined): string => labelNames?.[label ?? -1] ?? String(label);
  const caption = (at: number): string => `${rowName(rows.rows.ids[at] ?? '')}: ${nameOf(rows.labels[at])}`;
  const table: TableBlock = {
    type: 'table',
    title: 'Nearest examples',
    columns: neighbourColumns,
    rows: shown.map(({ query, modelClass, vote }) => ({
      query: rowName(rows.rows.ids[query] ?? ''),
      label: nameOf(rows.labels[query]),
      model: nameOf(modelClass),
      vote: nameOf(argmax(vote.probabilities)),
      near: vote.neighbours
        .slice(0, shownNeighbours)
        .map(({ support, weight }) => `${caption(rows.queryCount + support)} (${weight.toPrecision(2)})`)
        .join('; '),
    })),
  };
  const images = shown.flatMap((one) => picturesOf(rows, one, caption));
  const grid: ImageGridBlock = {
    type: 'image-grid',
    title: 'Rows with their nearest examples',
    alt: 'Each row that is asked about, followed by the support rows with the heaviest votes on it.',
    images,
  };
  return images.length === 0 ? [table] : [grid, table];
}

const neighbourColumns: TableColumn[] = [
  { key: 'query', label: 'Row', kind: 'text' },
  { key: 'label', label: 'Label', kind: 'text' },
  { key: 'model', label: 'Model', kind: 'text' },
  { key: 'vote', label: 'Vote', kind: 'text' },
  {
    key: 'near',
    label: 'Heaviest votes',
    kind: 'text',
    description: 'Row, label and weight of the support rows.',
  },
];

/** A query and its neighbours as pictures; none where the input is no image. */
function picturesOf(
  rows: VotingRows,
  { query, vote }: ShownQuery,
  caption: (at: number) => string,
): Picture[] {
  const near = vote.neighbours.slice(0, shownNeighbours);
  const places = [query, ...near.map(({ support }) => rows.queryCount + support)];
  return places.flatMap((at, i) => {
    const weight = near[i - 1]?.weight;
    const text =
      weight === undefined ? `Asked: ${caption(at)}` : `${caption(at)}, weight ${weight.toPrecision(2)}`;
    const picture = rowPicture(rows.rows.feeds, at, text);
    return picture === undefined ? [] : [{ ...picture, caption: text }];
  });
}
