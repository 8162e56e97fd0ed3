import type { ChartBlock, TableBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ChannelResponse, Responses } from './responseCurves.js';
import { short } from './sliceCharts.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** A line a channel, and its table with a column a channel. */
interface ChannelLines {
  readonly title: string;
  readonly alt: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly x: readonly number[] | Float64Array;
  /** What is drawn for a channel. */
  readonly drawn: (channel: ChannelResponse) => Float64Array;
  /** What stands in the table; default what is drawn. */
  readonly tabled?: (channel: ChannelResponse) => Float64Array;
}

/** Returns the outcome against the size of each channel. */
export function responseChart({ factors, channels }: Responses): ChartBlock {
  return lines(channels, {
    title: 'Response curves',
    alt: 'Outcome summed over time, less that without the channel, as each channel is multiplied by 0 to 2: a straight line pays back alike, one that flattens is saturated.',
    xTitle: 'Channel multiplied by',
    yTitle: 'Outcome over that without it',
    x: factors,
    drawn: ({ response }) => response,
  });
}

/** Returns how long each channel acts. */
export function carryOverChart({ channels }: Responses): ChartBlock {
  const lags = Array.from({ length: channels[0]?.carryOver.length ?? 0 }, (_, lag) => lag);
  return lines(channels, {
    title: 'Carry-over',
    alt: 'Effect of a pulse on the outcome so many steps later, as a share of the channel’s largest effect. The table has the effects themselves, for a pulse of one.',
    xTitle: 'Steps after the pulse',
    yTitle: 'Effect, share of the largest',
    x: lags,
    drawn: ({ carryOver }) => {
      const largest = carryOver.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      return carryOver.map((value) => (largest === 0 ? 0 : value / largest));
    },
    tabled: ({ carryOver }) => carryOver,
  });
}

/** Returns the contribution of each channel over time. */
export function contributionChart({ channels, outcome }: Responses): ChartBlock {
  if (outcome.length === 1) return contributionBars(channels);
  return lines(channels, {
    title: 'Contribution over time',
    alt: 'Outcome at each step less that with the channel off, the mean over rows.',
    xTitle: 'Step',
    yTitle: 'Contribution',
    x: Array.from(outcome, (_, step) => step),
    drawn: ({ contribution }) => contribution,
  });
}

function lines(channels: readonly ChannelResponse[], chart: ChannelLines): ChartBlock {
  const { title, alt, xTitle, drawn, tabled = drawn } = chart;
  const x = [...chart.x];
  return {
    type: 'chart',
    title,
    alt,
    spec: lineSpec(channels, chart),
    table: {
      columns: [
        { key: 'x', label: xTitle, kind: 'number' },
        ...channels.map(({ name }, i) => ({
          key: `channel${String(i)}`,
          label: name,
          kind: 'number' as const,
        })),
      ],
      rows: x.map((at, i) => ({
        x: at,
        ...Object.fromEntries(
          channels.map((channel, c) => [`channel${String(c)}`, toReportNumber(tabled(channel)[i] ?? NaN)]),
        ),
      })),
    },
  };
}

function lineSpec(channels: readonly ChannelResponse[], chart: ChannelLines): Record<string, unknown> {
  const values = channels.flatMap((channel) =>
    Array.from(chart.drawn(channel), (value, i) => ({
      channel: channel.name,
      x: chart.x[i] ?? i,
      y: toReportNumber(value),
    })),
  );
  return {
    $schema: vegaLiteSchema,
    width: 'container',
    height: 220,
    data: { values },
    mark: { type: 'line', point: chart.x.length <= 60 },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: chart.xTitle },
      y: { field: 'y', type: 'quantitative', title: chart.yTitle },
      color: { field: 'channel', type: 'nominal', title: 'Channel', sort: channels.map(({ name }) => name) },
    },
  };
}

function contributionBars(channels: readonly ChannelResponse[]): ChartBlock {
  const rows = channels.map(({ name, contribution }) => ({
    name,
    contribution: toReportNumber(contribution[0] ?? NaN),
  }));
  return {
    type: 'chart',
    title: 'Contribution',
    alt: 'Outcome less that with the channel off, the mean over rows.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: 'bar',
      encoding: {
        y: { field: 'name', type: 'nominal', sort: null, title: null },
        x: { field: 'contribution', type: 'quantitative', title: 'Contribution' },
      },
    },
    table: {
      columns: [
        { key: 'name', label: 'Channel', kind: 'text' },
        { key: 'contribution', label: 'Contribution', kind: 'number' },
      ],
      rows,
    },
  };
}

const noEffect = '– where the channel has no effect';

const channelColumns: TableColumn[] = [
  { key: 'name', label: 'Channel', kind: 'text' },
  { key: 'mean', label: 'Mean value', kind: 'number' },
  { key: 'contribution', label: 'Contribution', kind: 'number', description: 'Summed over time.' },
  { key: 'share', label: 'Share of outcome', kind: 'percent' },
  {
    key: 'rate',
    label: 'Carry-over',
    kind: 'percent',
    description: `Share of an effect that is left a step later; ${noEffect}.`,
  },
  {
    key: 'halfLife',
    label: 'Half-life',
    kind: 'number',
    unit: 'steps',
    description: `Until half of an effect is left; ${noEffect}, or where it does not fade.`,
  },
  {
    key: 'later',
    label: 'Acts later',
    kind: 'percent',
    description: `Share of the effects after the step of the pulse; ${noEffect}.`,
  },
  {
    key: 'fit',
    label: 'Geometric fit',
    kind: 'number',
    description: `R² of a geometric decay; ${noEffect}.`,
  },
];

/** Returns what each channel comes to. */
export function channelTable({ channels, outcome }: Responses): TableBlock {
  const whole = sum(outcome);
  const number = (value: number): TableCell => toReportNumber(value);
  return {
    type: 'table',
    title: 'Channels',
    columns: channelColumns,
    rows: channels.map(({ name, meanValue, contribution, carryOver, decay }) => ({
      name,
      mean: number(meanValue),
      contribution: number(sum(contribution)),
      share: number(sum(contribution) / whole),
      rate: ofEffect(decay.rate, carryOver),
      halfLife: decay.rate > 0 && decay.rate < 1 ? number(Math.log(0.5) / Math.log(decay.rate)) : null,
      later: ofEffect(decay.laterShare, carryOver),
      fit: ofEffect(decay.fit, carryOver),
    })),
  };
}

/** A number of an effect: none where the effects are numbers and there is no such effect; NaN where they are NaN. */
function ofEffect(value: number, effects: Float64Array): TableCell {
  return Number.isNaN(value) && effects.every(Number.isFinite) ? null : toReportNumber(value);
}

/** Returns the sum of numbers over time. */
export function sum(values: Float64Array): number {
  return values.reduce((all, value) => all + value, 0);
}

/** Returns what a channel's decay is, in words. */
export function decayText({ name, decay }: ChannelResponse): string {
  return Number.isFinite(decay.rate)
    ? `${short(100 * decay.rate)} % of an effect of ${name} is left a step later`
    : `${name} has no effect that lasts`;
}
