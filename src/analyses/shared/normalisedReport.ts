import { formatAddress } from '../../onnx/addresses.js';
import type { Block, TableColumn } from '../../protocol/blocks.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import { columnLines } from './plainCharts.js';
import type { NormalisedLayer } from './normalisedLayers.js';

const columns: TableColumn[] = [
  { key: 'block', label: 'Block', kind: 'text' },
  { key: 'variant', label: 'Kind', kind: 'text' },
  { key: 'layer', label: 'Layer', kind: 'address' },
  { key: 'meanBefore', label: 'Mean before', kind: 'number' },
  { key: 'meanAfter', label: 'Mean after', kind: 'number' },
  { key: 'varianceBefore', label: 'Variance before', kind: 'number' },
  { key: 'varianceAfter', label: 'Variance after', kind: 'number' },
  {
    key: 'spreadBefore',
    label: 'Spread of units before',
    kind: 'number',
    description: 'Deviation of the units’ means.',
  },
  { key: 'spreadAfter', label: 'Spread of units after', kind: 'number' },
  {
    key: 'lowestAfter',
    label: 'Smallest σ after',
    kind: 'number',
    description: 'Of a unit, over its positions and samples.',
  },
  { key: 'highestAfter', label: 'Largest σ after', kind: 'number' },
];

/** Returns what recognised normalisations do to the statistics, over depth and one by one; nothing where there is none. */
export function normalisedBlocks(layers: readonly NormalisedLayer[]): Block[] {
  if (layers.length === 0) return [];
  return [
    columnLines({
      title: 'Normalised layers: variance before and after',
      alt: 'Variance of what enters and of what leaves each recognised normalisation, with its activation where one belongs to it, from input to output.',
      x: { key: 'depth', label: 'Normalised layer, from the input', isCount: true },
      rows: layers.map(({ before, after }, index) => ({
        depth: index + 1,
        before: toReportNumber(before.variance),
        after: toReportNumber(after.variance),
      })),
      valueTitle: 'Variance',
      scale: 'log',
      series: [
        { key: 'before', label: 'Before' },
        { key: 'after', label: 'After' },
      ],
    }),
    {
      type: 'table',
      title: 'Normalised layers',
      columns,
      rows: layers.map(({ name, variant, layer, before, after }) => ({
        ...{ block: name, variant, layer: layer === undefined ? null : formatAddress({ layer }) },
        meanBefore: toReportNumber(before.mean),
        meanAfter: toReportNumber(after.mean),
        varianceBefore: toReportNumber(before.variance),
        varianceAfter: toReportNumber(after.variance),
        spreadBefore: toReportNumber(before.meanSpread),
        spreadAfter: toReportNumber(after.meanSpread),
        lowestAfter: toReportNumber(after.unitDeviations[0]),
        highestAfter: toReportNumber(after.unitDeviations[1]),
      })),
    },
  ];
}
