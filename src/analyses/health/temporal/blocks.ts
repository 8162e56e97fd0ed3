import { formatAddress } from '../../../onnx/addresses.js';
import type { Block, ChartBlock, TableBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { lineChart } from '../../shared/lineChart.js';
import { skippedMacs } from '../../shared/products.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';
import { curveMultiples, type TemporalFigures, type TemporalLayer } from './measure.js';
import { sharesOf } from './shares.js';

const percentColumn = (key: string, label: string): TableColumn => ({ key, label, kind: 'percent' });

const crossColumns: readonly TableColumn[] = [
  { key: 'layer', label: 'Value', kind: 'text' },
  percentColumn('spatial', 'Near 0'),
  percentColumn('temporal', 'Unchanged'),
  percentColumn('both', 'Near 0 and unchanged'),
  percentColumn('onlySpatial', 'Near 0, but changed'),
  percentColumn('onlyTemporal', 'Unchanged, not near 0'),
  percentColumn('neither', 'Neither'),
];

/** Returns the bars of spatial and temporal sparsity by layer, with the cross table of both as the twin. */
export function sparsityChart({ layers }: TemporalFigures): ChartBlock {
  const rows = layers.map((layer) => crossRow(layer));
  const bars = rows.flatMap(({ layer = null, spatial = null, temporal = null }) => [
    { layer, kind: 'near 0', share: spatial },
    { layer, kind: 'unchanged', share: temporal },
  ]);
  const kinds = ['near 0', 'unchanged'];
  return {
    type: 'chart',
    title: 'Spatial and temporal sparsity by layer',
    alt: 'Two bars per layer, from input to output: the share of elements near 0, and of those that hardly changed since the step before.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: bars },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'layer', type: 'nominal', sort: null, title: null },
        yOffset: { field: 'kind', sort: kinds },
        x: {
          field: 'share',
          type: 'quantitative',
          title: 'Share of elements',
          scale: { domain: [0, 1] },
          axis: { format: '%' },
        },
        color: { field: 'kind', type: 'nominal', title: null, sort: kinds },
      },
    },
    table: { columns: [...crossColumns], rows },
  };
}

function crossRow(layer: TemporalLayer): Record<string, TableCell> {
  const { temporal, spatial, both } = sharesOf(layer);
  const shares = {
    ...{ spatial, temporal, both },
    ...{ onlySpatial: spatial - both, onlyTemporal: temporal - both },
    neither: 1 - temporal - spatial + both,
  };
  const cells = Object.entries(shares).map(([key, share]) => [key, toReportNumber(share)] as const);
  return { layer: layer.source.label, ...Object.fromEntries(cells) };
}

/** Returns the share that hardly changed against the threshold, a line for each layer. */
export function thresholdChart({ layers }: TemporalFigures): ChartBlock {
  const rows = layers.flatMap((layer) => {
    const { curve } = sharesOf(layer);
    return curveMultiples.map((multiple, index) => ({
      layer: layer.source.label,
      multiple,
      threshold: toReportNumber(multiple * layer.threshold),
      share: toReportNumber(curve[index] ?? NaN),
    }));
  });
  return lineChart({
    title: 'Temporal sparsity against the threshold',
    alt: 'A line per layer: the share of elements that change by no more than a multiple of the threshold.',
    x: { field: 'multiple', title: '× threshold' },
    y: { field: 'share', title: 'Unchanged', isPercent: true, domain: [0, 1] },
    series: 'layer',
    rows,
    columns: [
      { key: 'layer', label: 'Value', kind: 'text' },
      { key: 'multiple', label: '× threshold', kind: 'number' },
      { key: 'threshold', label: '|Δ| at most', kind: 'number' },
      percentColumn('share', 'Unchanged'),
    ],
  });
}

const layerColumns: readonly TableColumn[] = [
  { key: 'layer', label: 'Layer', kind: 'address' },
  { key: 'value', label: 'Value', kind: 'text' },
  { key: 'units', label: 'Neurons', kind: 'count' },
  {
    key: 'threshold',
    label: '|Δ| at most',
    kind: 'number',
    description: 'Changes up to this count as none.',
  },
  {
    key: 'temporal',
    label: 'Unchanged',
    kind: 'bar',
    description: 'Share of elements that hardly changed.',
  },
  {
    key: 'spatial',
    label: 'Near 0',
    kind: 'percent',
    description: 'Share of elements within the threshold of 0.',
  },
  {
    key: 'macs',
    label: 'MACs that read it',
    kind: 'count',
    description: 'Multiply–accumulates a sample, in convolutions and matrix products.',
  },
  {
    key: 'saved',
    label: 'Saved by deltas',
    kind: 'count',
    description: 'Of these, the ones that a layer propagating only changes would skip.',
  },
];

/** Returns the table of layers with the multiply–accumulates that read them. */
export function layerTable({ layers, plan }: TemporalFigures): TableBlock {
  return {
    type: 'table',
    title: 'Layers',
    columns: [...layerColumns],
    rows: layers.map((layer): Record<string, TableCell> => {
      const { temporal, spatial } = sharesOf(layer);
      const { target, layer: name } = layer.source;
      const reading = plan.products.filter(({ operands }) => operands.includes(target.leaving));
      const shareOf = (value: string): number | undefined =>
        value === target.leaving ? temporal : undefined;
      const { macCount, skippedCount } = skippedMacs(reading, shareOf);
      return {
        layer: name === undefined ? null : formatAddress({ layer: name }),
        value: target.layer,
        units: target.unitCount,
        threshold: toReportNumber(layer.threshold),
        temporal: toReportNumber(temporal),
        spatial: toReportNumber(spatial),
        macs: Math.round(macCount),
        saved: toReportNumber(Math.round(skippedCount)),
      };
    }),
  };
}

/** Says how the numbers are meant. */
export const howToRead: Block = {
  type: 'markdown',
  title: 'How to read this',
  folded: true,
  text: 'Unchanged means |a(t) − a(t − 1)| ≤ threshold, near 0 means |a(t)| ≤ threshold; the first frame of a clip has no step before it and is left out. A layer that propagates only its changes multiplies only what changed, so that temporal sparsity saves what zeros save elsewhere. It has to keep its last output and add to its last sums, which is not counted here, and small changes that are dropped add up over time unless they are measured from what was last passed on.',
};
