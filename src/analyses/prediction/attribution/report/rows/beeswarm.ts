import type { ChartBlock, TableBlock } from '../../../../../protocol/blocks.js';
import { toReportNumber } from '../../../../../protocol/reportNumbers.js';
import { listedRowParts, partItemKey, partKey } from '../partRows.js';
import { featureName, type Tabular, valueText } from './tabular.js';
import { vegaLiteSchema } from '../../../../shared/vegaLite.js';

/** Fewer rows are read one by one. */
const leastRowCount = 5;

/** Features with a line of points of their own. */
const featureCount = 10;

/** Points in one chart, at most; rows beyond are left out. */
const maxPointCount = 3000;

const thirds = ['lower third', 'middle third', 'upper third'] as const;

/**
 * Returns the scores of all rows as points, a line of points for each of the strongest features: where they lie is the
 * score, their colour whether the row's value is among the low or the high ones. Undefined for few rows.
 */
export function beeswarmOf(tabular: Tabular): ChartBlock | undefined {
  const [rowCount = 0, size = 0] = tabular.scores.dims;
  if (rowCount < leastRowCount) return undefined;
  const features = strongest(tabular).slice(0, featureCount);
  const shownRows = Math.min(rowCount, Math.floor(maxPointCount / Math.max(1, features.length)));
  const points = features.flatMap((feature) => pointsOf(tabular, feature, shownRows));
  return {
    type: 'chart',
    title: `What ${tabular.scores.name} contributes, row by row`,
    alt: `A point for each of ${String(shownRows)} rows and ${String(features.length)} of ${String(size)} features, at its score, coloured by the size of the row’s value.`,
    spec: {
      $schema: vegaLiteSchema,
      height: { step: 34 },
      data: { values: points },
      mark: { type: 'point', filled: true, size: 28, opacity: 0.8 },
      encoding: {
        y: { field: 'feature', type: 'nominal', sort: null, title: null },
        yOffset: { field: 'spread', type: 'quantitative', axis: null, scale: { domain: [-1, 1] } },
        x: { field: 'score', type: 'quantitative', title: 'Score' },
        color: { field: 'third', type: 'nominal', title: 'Value', scale: { domain: [...thirds] } },
        shape: { field: 'third', type: 'nominal', title: 'Value', scale: { domain: [...thirds] } },
      },
    },
    table: { columns, rows: points.map(({ spread: _spread, ...cells }) => cells) },
    ...listedRowParts(tabular.parts),
  };
}

const columns: TableBlock['columns'] = [
  { key: 'feature', label: 'Feature', kind: 'text' },
  { key: 'row', label: 'Row', kind: 'text' },
  { key: 'value', label: 'Value', kind: 'text' },
  { key: 'third', label: 'Among the rows', kind: 'text' },
  { key: 'score', label: 'Score', kind: 'number' },
];

function strongest({ scores }: Tabular): number[] {
  const [rowCount = 0, size = 0] = scores.dims;
  const sums = new Float64Array(size);
  for (let row = 0; row < rowCount; row++) {
    for (let feature = 0; feature < size; feature++) {
      sums[feature] = (sums[feature] ?? 0) + Math.abs(scores.data[row * size + feature] ?? 0);
    }
  }
  return Array.from(sums.keys()).sort((a, b) => (sums[b] ?? 0) - (sums[a] ?? 0) || a - b);
}

function pointsOf(tabular: Tabular, feature: number, rowCount: number) {
  const { scores, input, captions } = tabular;
  const size = scores.dims[1] ?? 0;
  const at = (data: ArrayLike<number>, row: number): number => data[row * size + feature] ?? NaN;
  const rows = Array.from({ length: rowCount }, (_, row) => row);
  const own = rows.map((row) => at(scores.data, row));
  const values = rows.map((row) => at(input.elements, row)).sort((a, b) => a - b);
  const spreads = spreadOf(own);
  return rows.map((row) => ({
    feature: featureName(tabular, feature),
    row: captions[row] ?? '',
    value: valueText(at(input.elements, row)),
    third: thirdOf(values, at(input.elements, row)),
    score: toReportNumber(own[row] ?? NaN),
    spread: spreads[row] ?? 0,
    [partKey]: String(feature),
    [partItemKey]: row,
  }));
}

/** Which third of the sorted values a value is in; where values are equal, the middle of their places counts. */
function thirdOf(sorted: readonly number[], value: number): (typeof thirds)[number] {
  const below = sorted.filter((other) => other < value).length;
  const equal = sorted.filter((other) => other === value).length;
  const share = (below + equal / 2) / Math.max(1, sorted.length);
  return share < 1 / 3 ? thirds[0] : share > 2 / 3 ? thirds[2] : thirds[1];
}

/** Moves points that would lie on each other apart, alternately up and down: −1 … 1 across the line. */
function spreadOf(scores: readonly number[]): number[] {
  const low = Math.min(...scores);
  const width = Math.max(...scores) - low;
  const counts = new Map<number, number>();
  const places = scores.map((score) => {
    const bin = width > 0 ? Math.floor(((score - low) / width) * 60) : 0;
    const place = counts.get(bin) ?? 0;
    counts.set(bin, place + 1);
    return place % 2 === 0 ? place / 2 : -(place + 1) / 2;
  });
  const furthest = Math.max(4, ...places.map(Math.abs));
  return places.map((place) => Number((place / furthest).toFixed(3)));
}
