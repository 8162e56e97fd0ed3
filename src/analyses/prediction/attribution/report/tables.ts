import { elementCountOf, type TensorValue, toFloat64 } from '../../../../onnx/tensorValue.js';
import type { ChartBlock, ReportNumber, TableBlock, TokensBlock } from '../../../../protocol/blocks.js';
import type { Parts } from '../../../../protocol/parts.js';
import { toReportNumber } from '../../../../protocol/reportNumbers.js';
import { maxAbs } from '../../../../engine/numeric/vectors.js';
import type { Scores } from '../problem.js';
import { rowName } from '../rows.js';
import { partKey } from './partRows.js';
import { sumOverChannels } from './maps.js';
import { vegaLiteSchema } from '../../../shared/vegaLite.js';

/** Features listed per table. */
const topCount = 20;

/** Rows shown as coloured tokens. */
const maxTokenRows = 8;

/** Returns the elements with the largest mean absolute score, as a bar chart with its table. */
export function featureChart(
  scores: Scores,
  rowIds: readonly string[],
  columnNames?: readonly string[],
): ChartBlock {
  const size = elementCountOf(scores.dims.slice(1));
  const rowCount = Math.max(1, scores.dims[0] ?? 1);
  const features = Array.from({ length: size }, (_, feature) => {
    let signed = 0;
    let absolute = 0;
    for (let row = 0; row < rowCount; row++) {
      const score = scores.data[row * size + feature] ?? 0;
      signed += score / rowCount;
      absolute += Math.abs(score) / rowCount;
    }
    return { feature, signed, absolute };
  })
    .sort((a, b) => b.absolute - a.absolute || a.feature - b.feature)
    .slice(0, topCount);
  const rows = features.map(({ feature, signed, absolute }) => ({
    element: elementName(scores, feature, columnNames),
    meanAbsolute: toReportNumber(absolute),
    mean: toReportNumber(signed),
    // Of a table an element is a column.
    ...(scores.dims.length === 2 ? { [partKey]: String(feature) } : {}),
  }));
  return {
    type: 'chart',
    title: `What ${scores.name} contributes most`,
    alt: `Mean absolute score per element of ${scores.name} over ${String(rowIds.length)} rows, largest first.`,
    spec: barSpec(rows),
    table: {
      columns: [
        { key: 'element', label: 'Element', kind: 'text' },
        { key: 'meanAbsolute', label: 'Mean |score|', kind: 'number' },
        { key: 'mean', label: 'Mean score', kind: 'number', description: 'Signs cancel between rows.' },
      ],
      rows,
    },
  };
}

/** Returns the name of a table's column, or the element's place: `x[0, 3]`. */
function elementName(scores: Scores, flat: number, columnNames: readonly string[] | undefined): string {
  const size = elementCountOf(scores.dims.slice(1));
  if (columnNames?.length === size) return columnNames[flat] ?? '';
  const index: number[] = [];
  let rest = flat;
  for (const dim of [...scores.dims.slice(1)].reverse()) {
    index.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return `${scores.name}[${index.join(', ')}]`;
}

/** A bar: its length, and the mean whose sign colours it. */
interface SignedBar {
  readonly element: string;
  readonly meanAbsolute: ReportNumber;
  readonly mean: ReportNumber;
}

/** Returns a Vega-Lite bar chart of `meanAbsolute` by `element`, coloured by the sign of `mean`. */
export function barSpec(rows: readonly SignedBar[]): Record<string, unknown> {
  const bars = rows.map((row) => ({ ...row, sign: Number(row.mean) < 0 ? 'below 0' : '0 or above' }));
  return {
    $schema: vegaLiteSchema,
    data: { values: bars },
    mark: 'bar',
    encoding: {
      y: { field: 'element', type: 'nominal', sort: null, title: null },
      x: { field: 'meanAbsolute', type: 'quantitative', title: 'Mean |score|' },
      // The colours are those of whoever draws: the theme's, or the page's that a report is exported to.
      color: {
        field: 'sign',
        type: 'nominal',
        title: 'Mean score',
        scale: { domain: ['below 0', '0 or above'] },
      },
    },
  };
}

/** Returns the strongest elements of every row, one line a row. */
export function topElementsTable(
  scores: Scores,
  rowIds: readonly string[],
  columnNames?: readonly string[],
): TableBlock {
  const size = elementCountOf(scores.dims.slice(1));
  const rows = rowIds.map((id, row) => {
    const values = scores.data.subarray(row * size, (row + 1) * size);
    const order = Array.from(values.keys()).sort(
      (a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0),
    );
    const top = order
      .slice(0, 5)
      .map((i) => `${elementName(scores, i, columnNames)} ${signed(values[i] ?? 0)}`);
    return { row: id, top: top.join(' · ') };
  });
  return {
    type: 'table',
    title: `Strongest elements of ${scores.name}, row by row`,
    columns: [
      { key: 'row', label: 'Row', kind: 'text' },
      { key: 'top', label: 'Largest |score| first', kind: 'text' },
    ],
    rows,
  };
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toPrecision(3)}`;
}

/** What tokens are called. */
export interface TokenFacts {
  readonly ids: TensorValue;
  readonly rowIds: readonly string[];
  /** The text of a token; without it tokens are shown by id. */
  readonly textOf: ((id: number) => string) | undefined;
  /** What they are called as parts of the input. */
  readonly parts?: Parts | undefined;
}

/** Returns tokens coloured by their score, summed over the embedding, for the first rows. */
export function tokenBlocks(scores: Scores, { ids, rowIds, textOf, parts }: TokenFacts): TokensBlock[] {
  const rowDims = scores.dims.slice(1);
  const size = elementCountOf(rowDims);
  const tokenCount = rowDims[0] ?? 1;
  const allIds = toFloat64(ids);
  return rowIds.slice(0, maxTokenRows).map((rowId, row) => {
    const { values } = sumOverChannels(scores.data.subarray(row * size, (row + 1) * size), rowDims, 2);
    return {
      type: 'tokens',
      title: rowName(rowId).replace(/^row /, 'Row '),
      alt: `Tokens of ${rowName(rowId)}${textOf === undefined ? ' by id' : ''}, each with its score.`,
      tokens: [...values].map((value, token) => ({
        text: textOf?.(allIds[row * tokenCount + token] ?? 0) ?? idText(allIds[row * tokenCount + token]),
        value: toReportNumber(value),
      })),
      scale: 'diverging',
      limit: toReportNumber(maxAbs(values)),
      ...(parts === undefined ? {} : { parts: { ...parts, items: [parts.items[row] ?? {}] } }),
    };
  });
}

function idText(id: number | undefined): string {
  return `#${String(id ?? '?')} `;
}
