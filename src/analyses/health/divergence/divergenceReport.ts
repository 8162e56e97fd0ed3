import { formatAddress } from '../../../onnx/addresses.js';
import type { ChartBlock, TableBlock } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { barChart } from '../../shared/plainCharts.js';
import { finiteMean, type LayerDivergence, type PartDivergence } from './divergences.js';

/** Names of the two data sets, in the order of the Gaussians. */
export type DataNames = readonly [string, string];

/** Returns the mean divergence of every layer, against what sampling alone gives where that is known. */
export function layerChart(
  layers: readonly LayerDivergence[],
  chance: number | undefined,
  [own, other]: DataNames,
): ChartBlock {
  const line = chance === undefined ? '' : ` The line is what samples of one distribution would give.`;
  return barChart({
    title: 'Divergence by layer',
    alt: `Mean symmetric KL divergence of the channels of each layer between ${own} and ${other}, from input to output.${line}`,
    name: { key: 'layer', label: 'Layer', kind: 'address' },
    series: [{ key: 'mean', label: 'Divergence' }],
    rows: layers.map(({ layer, mean }) => ({ layer, mean: toReportNumber(mean) })),
    valueTitle: 'Symmetric KL divergence (nats), mean of channels',
    ...(chance === undefined ? {} : { reference: chance }),
  });
}

/** Returns instance- against batch-normalised channels, block by block. */
export function partChart(parts: readonly PartDivergence[]): ChartBlock {
  const blocks = [...new Set(parts.map(({ part }) => part.block))];
  const meanOf = (block: string, norm: 'IN' | 'BN') => {
    const own = parts.filter(({ part }) => part.block === block && part.norm === norm);
    if (own.length === 0) return null;
    return toReportNumber(finiteMean(Float64Array.from(own.flatMap(({ channels }) => [...channels]))));
  };
  return barChart({
    title: 'Instance- against batch-normalised channels',
    alt: 'Mean symmetric KL divergence of the channels behind instance and behind batch normalisation, in each IBN block.',
    name: { key: 'block', label: 'Block', kind: 'text' },
    series: [
      { key: 'in', label: 'IN', description: 'Channels behind instance normalisation.' },
      { key: 'bn', label: 'BN', description: 'Channels behind batch normalisation.' },
    ],
    rows: blocks.map((block) => ({ block, in: meanOf(block, 'IN'), bn: meanOf(block, 'BN') })),
    valueTitle: 'Symmetric KL divergence (nats), mean of channels',
  });
}

/** Returns a line for each layer. */
export function layerTable(layers: readonly LayerDivergence[]): TableBlock {
  return {
    type: 'table',
    title: 'Layers',
    columns: [
      { key: 'layer', label: 'Layer', kind: 'address' },
      { key: 'operator', label: 'Operator', kind: 'text' },
      { key: 'channels', label: 'Channels', kind: 'count' },
      {
        key: 'mean',
        label: 'Divergence',
        kind: 'number',
        unit: 'nats',
        description: 'Mean of its channels.',
      },
      { key: 'worst', label: 'Most shifted', kind: 'address' },
      { key: 'largest', label: 'Its divergence', kind: 'number', unit: 'nats' },
      {
        key: 'separated',
        label: 'On one only',
        kind: 'count',
        description: 'Channels that are constant on one of the data sets only; not in the mean.',
      },
    ],
    rows: layers.map(({ layer, operator, channels, mean, separatedCount }) => {
      const [worst] = rankedChannels(channels);
      return {
        layer,
        operator,
        channels: channels.length,
        mean: toReportNumber(mean),
        worst: worst === undefined ? null : formatAddress({ layer, unit: worst }),
        largest: worst === undefined ? null : toReportNumber(channels[worst] ?? NaN),
        separated: separatedCount,
      };
    }),
  };
}

/** Channels that are listed one by one. */
const shownChannels = 30;

/** Returns the most shifted channels of all layers, with their Gaussians. */
export function channelTable(layers: readonly LayerDivergence[], names: DataNames): TableBlock {
  const all = layers.flatMap((at) => rankedChannels(at.channels).map((unit) => ({ at, unit })));
  const valueOf = ({ at, unit }: (typeof all)[number]): number => at.channels[unit] ?? NaN;
  const ranked = all.sort((a, b) => compareDivergence(valueOf(a), valueOf(b)));
  const described = (what: string, name: string): string => `${what} on ${name}.`;
  return {
    type: 'table',
    title: 'Most shifted channels',
    columns: [
      { key: 'channel', label: 'Channel', kind: 'address' },
      { key: 'divergence', label: 'Divergence', kind: 'number', unit: 'nats' },
      { key: 'meanA', label: 'Mean A', kind: 'number', description: described('Mean', names[0]) },
      { key: 'deviationA', label: 'σ A', kind: 'number', description: described('Deviation', names[0]) },
      { key: 'meanB', label: 'Mean B', kind: 'number', description: described('Mean', names[1]) },
      { key: 'deviationB', label: 'σ B', kind: 'number', description: described('Deviation', names[1]) },
    ],
    rows: ranked.slice(0, shownChannels).map((entry) => {
      const [a, b] = entry.at.gaussians[entry.unit] ?? [];
      const number = (value: number | undefined) => toReportNumber(value ?? NaN);
      return {
        channel: formatAddress({ layer: entry.at.layer, unit: entry.unit }),
        divergence: toReportNumber(valueOf(entry)),
        meanA: number(a?.mean),
        deviationA: number(Math.sqrt(a?.variance ?? NaN)),
        meanB: number(b?.mean),
        deviationB: number(Math.sqrt(b?.variance ?? NaN)),
      };
    }),
    omittedRowCount: Math.max(0, ranked.length - shownChannels),
  };
}

/** Units from the largest divergence down, infinite ones first; those that are not finite on a data set left out. */
function rankedChannels(channels: Float64Array): number[] {
  return [...channels.keys()]
    .filter((unit) => !Number.isNaN(channels[unit]))
    .sort((a, b) => compareDivergence(channels[a] ?? NaN, channels[b] ?? NaN));
}

/** Infinities are equal to each other, which a difference would not say. */
function compareDivergence(a: number, b: number): number {
  return a === b ? 0 : b > a ? 1 : -1;
}
