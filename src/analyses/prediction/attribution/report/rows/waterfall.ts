import { sumOf } from '../../../../../engine/numeric/vectors.js';
import type { ChartBlock } from '../../../../../protocol/blocks.js';
import { toReportNumber } from '../../../../../protocol/reportNumbers.js';
import type { Explanation } from '../draft.js';
import { listedParts, partKey } from '../partRows.js';
import { featureName, type Tabular, valueText } from './tabular.js';
import { vegaLiteSchema } from '../../../../shared/vegaLite.js';

/** Rows that are drawn one by one; what more of them have in common is the beeswarm's. */
const shownRowCount = 3;

/** Features that have a bar of their own; the others share one. */
const barCount = 12;

/**
 * Returns how the first rows come from f(baseline) to f(x): a bar for each feature, each beginning where the one before
 * ends. Only where the scores are shares that add up; rows whose shares stand for several columns at once have none.
 */
export function waterfallsOf({ outcome }: Explanation, tabular: Tabular): ChartBlock[] {
  const { completenessError } = outcome;
  if (completenessError === undefined) return [];
  return tabular.captions.slice(0, shownRowCount).flatMap((caption, row) => {
    const start = outcome.baselineOutput[row] ?? NaN;
    const end = outcome.output[row] ?? NaN;
    const total = end - start + (completenessError[row] ?? NaN);
    const isAdditive =
      Math.abs(sumOf(sharesOf(tabular, row)) - total) <= tolerance * Math.max(1, Math.abs(total));
    return isAdditive ? [waterfall(tabular, { row, caption, start, end })] : [];
  });
}

/** Shares are float64 sums of float32 outputs. */
const tolerance = 1e-5;

function sharesOf({ scores }: Tabular, row: number): Float64Array {
  const size = scores.dims[1] ?? 0;
  return scores.data.subarray(row * size, (row + 1) * size);
}

interface Fall {
  readonly row: number;
  readonly caption: string;
  readonly start: number;
  readonly end: number;
}

interface Step {
  readonly feature: string;
  /** Its column; the other features together are none. */
  readonly part?: string;
  readonly value: string;
  readonly share: number;
}

function waterfall(tabular: Tabular, { row, caption, start, end }: Fall): ChartBlock {
  let at = start;
  const bars = stepsOf(tabular, row).map(({ feature, part, value, share }) => {
    const from = at;
    at += share;
    return {
      feature: value === '' ? feature : `${feature} = ${value}`,
      share: toReportNumber(share),
      from: toReportNumber(from),
      to: toReportNumber(at),
      sign: share < 0 ? 'below 0' : '0 or above',
      ...(part === undefined ? {} : { [partKey]: part }),
    };
  });
  return {
    type: 'chart',
    title: `How ${caption} comes from the baseline to its value`,
    alt: `A waterfall from f(baseline) ${start.toPrecision(4)} to f(x) ${end.toPrecision(4)}, a bar for each feature, the largest share first.`,
    spec: waterfallSpec(bars, { start, end }),
    table: {
      columns: [
        { key: 'feature', label: 'Feature', kind: 'text' },
        { key: 'share', label: 'Share', kind: 'number' },
        { key: 'from', label: 'From', kind: 'number', description: 'f(baseline) and the shares above.' },
        { key: 'to', label: 'To', kind: 'number' },
      ],
      rows: bars.map(({ sign: _sign, ...cells }) => cells),
    },
    ...listedParts(tabular.parts, row),
  };
}

function stepsOf(tabular: Tabular, row: number): Step[] {
  const { scores, input } = tabular;
  const size = scores.dims[1] ?? 0;
  const shares = sharesOf(tabular, row);
  const order = Array.from(shares.keys()).sort((a, b) => Math.abs(shares[b] ?? 0) - Math.abs(shares[a] ?? 0));
  const own = order.slice(0, barCount).map((feature) => ({
    feature: featureName(tabular, feature),
    part: String(feature),
    value: valueText(input.elements[row * size + feature] ?? NaN),
    share: shares[feature] ?? 0,
  }));
  const rest = order.slice(barCount);
  if (rest.length === 0) return own;
  const share = sumOf(rest.map((feature) => shares[feature] ?? 0));
  return [...own, { feature: `the other ${String(rest.length)}`, value: '', share }];
}

function waterfallSpec(
  bars: readonly Record<string, unknown>[],
  { start, end }: { readonly start: number; readonly end: number },
): Record<string, unknown> {
  const y = { field: 'feature', type: 'nominal', sort: null, title: null };
  const ends = [
    { at: toReportNumber(start), what: 'f(baseline)' },
    { at: toReportNumber(end), what: 'f(x)' },
  ];
  return {
    $schema: vegaLiteSchema,
    layer: [
      {
        data: { values: bars },
        mark: 'bar',
        encoding: {
          y,
          x: { field: 'from', type: 'quantitative', title: 'Explained value', scale: { zero: false } },
          x2: { field: 'to' },
          color: {
            field: 'sign',
            type: 'nominal',
            title: 'Share',
            scale: { domain: ['below 0', '0 or above'] },
          },
        },
      },
      {
        data: { values: ends },
        mark: { type: 'rule', strokeDash: [3, 3] },
        encoding: {
          x: { field: 'at', type: 'quantitative' },
          strokeDash: { field: 'what', type: 'nominal', title: null },
        },
      },
    ],
  };
}
