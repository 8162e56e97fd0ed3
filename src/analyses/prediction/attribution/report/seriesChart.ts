import { sumOf } from '../../../../engine/numeric/vectors.js';
import type { ChartBlock, TableColumn } from '../../../../protocol/blocks.js';
import { partName } from '../../../../protocol/partNames.js';
import type { Parts } from '../../../../protocol/parts.js';
import { toReportNumber } from '../../../../protocol/reportNumbers.js';
import { rowOf } from '../points.js';
import type { ExplainedTensor, Scores } from '../problem.js';
import { listedParts, partKey } from './partRows.js';
import { channelsOf, inPieces } from './positions.js';
import { vegaLiteSchema } from '../../../shared/vegaLite.js';

/** Rows that are drawn. */
const shownRowCount = 4;

/** Channels that have a line; more are not told apart. */
const lineCount = 6;

/** Points along a line; longer series are drawn in pieces. */
const maxPointCount = 400;

const width = 600;

/**
 * Returns the first rows of a series as lines over time, and below them what each step contributes, channels summed. Long
 * series are drawn in pieces: the mean of their values, the sum of their scores.
 */
export function seriesCharts(
  scores: Scores,
  input: ExplainedTensor,
  { captions, parts }: { readonly captions: readonly string[]; readonly parts?: Parts | undefined },
): ChartBlock[] {
  const size = input.elements.length / Math.max(1, captions.length);
  return captions.slice(0, shownRowCount).map((caption, row) => ({
    ...seriesChart(drawn(scores.data.subarray(row * size, (row + 1) * size), input, row), caption),
    ...listedParts(parts, row),
  }));
}

/** A series in the pieces that it is drawn in. */
interface Drawn {
  /** A line for each channel. */
  readonly lines: readonly Float64Array[];
  /** The score of each piece, channels summed. */
  readonly scores: Float64Array;
  readonly channelCount: number;
  readonly length: number;
}

function drawn(scores: Float64Array, input: ExplainedTensor, row: number): Drawn {
  const values = channelsOf(rowOf(input, row), input);
  const length = values[0]?.length ?? 0;
  const perStep = new Float64Array(length);
  for (const channel of channelsOf(scores, input)) {
    for (const [step, score] of channel.entries()) perStep[step] = (perStep[step] ?? 0) + score;
  }
  const mean = (piece: Float64Array): number => sumOf(piece) / piece.length;
  return {
    lines: values.slice(0, lineCount).map((channel) => inPieces(channel, maxPointCount, mean)),
    scores: inPieces(perStep, maxPointCount, sumOf),
    channelCount: values.length,
    length,
  };
}

function seriesChart(series: Drawn, caption: string): ChartBlock {
  const { lines, scores, length } = series;
  const stepOf = (piece: number): number => Math.floor((piece * length) / scores.length);
  const points = lines.flatMap((line, channel) =>
    Array.from(line, (value, piece) => ({
      step: stepOf(piece),
      value: toReportNumber(value),
      channel: `channel ${String(channel)}`,
    })),
  );
  const bars = Array.from(scores, (score, piece) => ({
    step: stepOf(piece),
    end: stepOf(piece + 1),
    score: toReportNumber(score),
    sign: score < 0 ? 'below 0' : '0 or above',
    [partKey]: partName([length], [scores.length], [piece]),
  }));
  return {
    type: 'chart',
    title: `${caption} over time, and what each step contributes`,
    alt: altOf(series),
    spec: seriesSpec(points, bars, lines.length > 1),
    table: {
      columns: columnsOf(lines.length),
      rows: bars.map(({ step, score, [partKey]: part }, piece) => ({
        step,
        [partKey]: part,
        ...Object.fromEntries(
          lines.map((line, channel) => [`c${String(channel)}`, toReportNumber(line[piece] ?? NaN)]),
        ),
        score,
      })),
    },
  };
}

function altOf({ lines, scores, channelCount, length }: Drawn): string {
  const inSteps =
    length > scores.length
      ? ` Each point stands for ${(length / scores.length).toFixed(1)} steps on average.`
      : '';
  const hidden =
    channelCount > lines.length
      ? ` The first ${String(lines.length)} of ${String(channelCount)} channels are drawn.`
      : '';
  return `Lines of ${String(lines.length)} channels over ${String(length)} steps, and bars of the score of each step below.${inSteps}${hidden}`;
}

function columnsOf(lineTotal: number): TableColumn[] {
  return [
    { key: 'step', label: 'Step', kind: 'count' },
    ...Array.from({ length: lineTotal }, (_, channel): TableColumn => ({
      key: `c${String(channel)}`,
      label: `Channel ${String(channel)}`,
      kind: 'number',
    })),
    {
      key: 'score',
      label: 'Score',
      kind: 'number',
      description: 'Summed over channels, and over steps drawn as one.',
    },
  ];
}

function seriesSpec(
  points: readonly Record<string, unknown>[],
  bars: readonly Record<string, unknown>[],
  hasChannels: boolean,
): Record<string, unknown> {
  const x = { field: 'step', type: 'quantitative', title: null, scale: { nice: false } };
  return {
    $schema: vegaLiteSchema,
    vconcat: [
      {
        ...{ width, height: 140 },
        data: { values: points },
        mark: { type: 'line', strokeWidth: 1.5 },
        encoding: {
          x: { ...x, axis: { labels: false, ticks: false, title: null } },
          y: { field: 'value', type: 'quantitative', title: 'Value', scale: { zero: false } },
          ...(hasChannels ? { color: { field: 'channel', type: 'nominal', title: null } } : {}),
        },
      },
      {
        ...{ width, height: 80 },
        data: { values: bars },
        mark: { type: 'bar' },
        encoding: {
          x: { ...x, title: 'Step' },
          x2: { field: 'end' },
          y: { field: 'score', type: 'quantitative', title: 'Score' },
          color: {
            field: 'sign',
            type: 'nominal',
            title: 'Score',
            scale: { domain: ['below 0', '0 or above'] },
          },
        },
      },
    ],
    resolve: { scale: { x: 'shared', color: 'independent' } },
  };
}
