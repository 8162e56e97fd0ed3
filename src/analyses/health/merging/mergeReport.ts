import { formatAddress } from '../../../onnx/addresses.js';
import type { Block, ChartBlock, TableBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { columnLines } from '../../shared/plainCharts.js';
import type { Curve, MergedLayer } from './curve.js';
import type { LayerClusters } from './mergedModel.js';

/** A layer that cannot be merged, and why. */
export interface UnmergedLayer {
  readonly layer: string;
  readonly kind: string;
  readonly reason: string;
}

/** Pairs listed; the arrays hold all merges. */
const listedPairCount = 100;

/** Returns features left and what the model is worth, against β: one chart, or two where there is something to score by. */
export function curveCharts({ points, scoreName }: Curve, featureCount: number): ChartBlock[] {
  const x = { key: 'beta', label: 'β' };
  const rows = points.map(({ beta, featureCount: left, score, outputChange }): Record<string, TableCell> => ({
    beta,
    left,
    share: left / featureCount,
    score: score === undefined ? null : toReportNumber(score),
    change: outputChange === undefined ? null : toReportNumber(outputChange),
  }));
  const shares = [{ key: 'share', label: 'Features left' }];
  const scored =
    scoreName === undefined
      ? shares
      : [...shares, { key: 'score', label: `${scoreName[0]?.toUpperCase() ?? ''}${scoreName.slice(1)}` }];
  const charts = [
    columnLines({
      title: 'Features left against β',
      alt: `Share of ${featureCount} features that are left when all nearer than β are merged${scoreName === undefined ? '' : `, and the ${scoreName} of the merged model`}.`,
      ...{ x, rows, series: scored, valueTitle: 'Share', format: 'percent' },
    }),
  ];
  if (points.every(({ outputChange }) => outputChange === undefined)) return charts;
  const series = [
    { key: 'change', label: 'Change of the outputs', description: '‖y′ − y‖ / ‖y‖ on the first samples.' },
  ];
  return [
    ...charts,
    columnLines({
      title: 'Outputs of the merged model',
      alt: 'How far the outputs move from those of the untouched model, relative to their size, against β.',
      ...{ x, rows, series, valueTitle: '‖y′ − y‖ / ‖y‖' },
    }),
  ];
}

const layerColumns: TableColumn[] = [
  { key: 'layer', label: 'Layer', kind: 'address' },
  { key: 'features', label: 'Features', kind: 'count' },
  {
    key: 'left',
    label: 'Left',
    kind: 'count',
    description: 'Features that are left under the chosen β.',
  },
  {
    key: 'redundant',
    label: 'Redundant',
    kind: 'bar',
    description: 'Share of the features that are merged away.',
  },
  {
    key: 'nearest',
    label: 'Nearest pair',
    kind: 'number',
    description: 'Distance of the two nearest features.',
  },
  {
    key: 'half',
    label: 'β at half',
    kind: 'number',
    description: 'Smallest β that leaves half of the features.',
  },
];

/** Returns the table of layers: features before and under β. */
export function mergeTable(layers: readonly MergedLayer[], chosen: readonly LayerClusters[]): TableBlock {
  return {
    type: 'table',
    title: 'Layers',
    columns: layerColumns,
    rows: layers.map(({ layer, merges }, index): Record<string, TableCell> => {
      const left = new Set(chosen[index]?.clusters).size;
      return {
        layer: formatAddress({ layer: layer.name }),
        features: layer.unitCount,
        left,
        redundant: 1 - left / layer.unitCount,
        nearest: toReportNumber(merges[0]?.distance ?? NaN),
        half: toReportNumber(merges[Math.ceil(layer.unitCount / 2) - 1]?.distance ?? NaN),
      };
    }),
  };
}

/** Returns the nearest pairs over all layers. */
export function pairTable(layers: readonly MergedLayer[], beta: number): TableBlock {
  const pairs = layers
    .flatMap(({ layer, merges }) => merges.map((merge) => ({ ...merge, layer: layer.name })))
    .sort((a, b) => a.distance - b.distance);
  const shown = pairs.slice(0, listedPairCount);
  return {
    type: 'table',
    title: 'Nearest features',
    columns: [
      { key: 'kept', label: 'Feature', kind: 'address' },
      { key: 'gone', label: 'Merged into it', kind: 'address' },
      {
        key: 'distance',
        label: 'Distance',
        kind: 'number',
        description: 'Of the clusters that the two stand for.',
      },
      { key: 'merged', label: `Under β = ${beta}`, kind: 'state' },
    ],
    rows: shown.map(({ layer, kept, gone, distance }) => ({
      kept: formatAddress({ layer, unit: kept }),
      gone: formatAddress({ layer, unit: gone }),
      distance: toReportNumber(distance),
      merged: distance < beta ? 'merged' : 'kept apart',
    })),
    omittedRowCount: pairs.length - shown.length,
  };
}

/** Returns the table of layers that cannot be merged, or nothing. */
export function unmergedBlocks(unmerged: readonly UnmergedLayer[]): Block[] {
  if (unmerged.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Layers that cannot be merged',
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'kind', label: 'Kind', kind: 'text' },
        { key: 'reason', label: 'Why', kind: 'text' },
      ],
      rows: unmerged.map(({ layer, kind, reason }) => ({ layer: formatAddress({ layer }), kind, reason })),
    },
  ];
}
