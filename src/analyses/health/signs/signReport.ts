import { formatAddress } from '../../../onnx/addresses.js';
import type { Block, ChartBlock, TableBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { barChart } from '../../shared/plainCharts.js';
import type { Removal } from './removal.js';
import { type LayerSigns, totalsOf, type UncountedLayer } from './signCounts.js';

/** Neurons listed; the arrays hold all. */
const listedNeuronCount = 200;

/** Returns the share of negative weights by layer, from input to output. */
export function massChart(layers: readonly LayerSigns[]): ChartBlock {
  return barChart({
    title: 'Inhibition by layer',
    alt: 'Share of the negative weights in number and in mass (sum of sizes), one pair of bars per layer from input to output.',
    name: { key: 'layer', label: 'Layer', kind: 'address' },
    series: [
      { key: 'mass', label: 'Share of mass' },
      { key: 'number', label: 'Share of number' },
    ],
    valueTitle: 'Share of negative weights',
    format: 'percent',
    domain: [0, 1],
    rows: layers.map((signs) => {
      const { inhibitoryMassShare, negativeShare } = totalsOf([signs]);
      return {
        layer: formatAddress({ layer: signs.layer.name }),
        mass: toReportNumber(inhibitoryMassShare),
        number: toReportNumber(negativeShare),
      };
    }),
  });
}

/** Scores beside which removals are read. */
export interface RemovalScores {
  readonly name: string;
  readonly intact: number;
  readonly removals: readonly Removal[];
}

/** Returns the score without the weights of a sign, one layer at a time and all at once. */
export function removalChart(
  layers: readonly LayerSigns[],
  { name, intact, removals }: RemovalScores,
): ChartBlock {
  const label = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const places = [...layers.map(({ layer }) => layer.name), 'all layers'];
  return barChart({
    title: `${label} without the weights of one sign`,
    alt: `${label} when the negative or the positive weights of one layer, or of all, are set to 0; the line is the untouched model’s, ${(100 * intact).toFixed(1)} %.`,
    name: { key: 'layer', label: 'Removed in', kind: 'text' },
    series: removals.map(({ sign }) => ({ key: sign, label: `Without ${sign} weights` })),
    valueTitle: label,
    format: 'percent',
    reference: intact,
    rows: places.map((place, index) => {
      const row: Record<string, TableCell> = { layer: place };
      for (const { sign, byLayer, all } of removals) {
        const score = index < layers.length ? byLayer[index] : all;
        row[sign] = score === undefined ? null : toReportNumber(score);
      }
      return row;
    }),
  });
}

const layerColumns: TableColumn[] = [
  { key: 'layer', label: 'Layer', kind: 'address' },
  { key: 'weights', label: 'Weights', kind: 'count' },
  { key: 'negative', label: 'Negative', kind: 'bar', description: 'Share of the weights below 0.' },
  { key: 'zero', label: 'Zero', kind: 'percent', description: 'Share of the weights that are exactly 0.' },
  {
    key: 'excitatory',
    label: 'Excitatory mass',
    kind: 'number',
    description: 'Sum of the positive weights.',
  },
  {
    key: 'inhibitory',
    label: 'Inhibitory mass',
    kind: 'number',
    description: 'Sum of the sizes of the negative weights.',
  },
  { key: 'share', label: 'Inhibitory share', kind: 'bar', description: 'Inhibitory mass over all mass.' },
];

/** Returns the table of layers. */
export function signTable(layers: readonly LayerSigns[]): TableBlock {
  return {
    type: 'table',
    title: 'Layers',
    columns: layerColumns,
    rows: layers.map((signs): Record<string, TableCell> => {
      const totals = totalsOf([signs]);
      return {
        layer: formatAddress({ layer: signs.layer.name }),
        weights: totals.weightCount,
        negative: toReportNumber(totals.negativeShare),
        zero: toReportNumber(totals.zeroShare),
        excitatory: toReportNumber(totals.excitatoryMass),
        inhibitory: toReportNumber(totals.inhibitoryMass),
        share: toReportNumber(totals.inhibitoryMassShare),
      };
    }),
  };
}

/** Returns the neurons whose weights are most of one sign. */
export function neuronSigns(layers: readonly LayerSigns[]): TableBlock {
  const all = layers.flatMap((signs) =>
    Array.from({ length: signs.unitCount }, (_, unit) => ({
      signs,
      unit,
      share: inhibitoryShare(signs, unit),
    })),
  );
  const found = all.filter(({ share }) => Number.isFinite(share));
  found.sort((a, b) => Math.abs(b.share - 0.5) - Math.abs(a.share - 0.5));
  const listed = found.slice(0, listedNeuronCount);
  return {
    type: 'table',
    title: 'Neurons by sign',
    alt: 'Neurons whose incoming weights are most of one sign first.',
    columns: [
      { key: 'neuron', label: 'Neuron', kind: 'address' },
      { key: 'share', label: 'Inhibitory share', kind: 'bar', description: 'Inhibitory mass over all mass.' },
      { key: 'negative', label: 'Negative', kind: 'percent', description: 'Share of its weights below 0.' },
      { key: 'excitatory', label: 'Excitatory mass', kind: 'number' },
      { key: 'inhibitory', label: 'Inhibitory mass', kind: 'number' },
    ],
    rows: listed.map(({ signs, unit, share }): Record<string, TableCell> => ({
      neuron: formatAddress({ layer: signs.layer.name, unit }),
      share: toReportNumber(share),
      negative: toReportNumber((signs.negativeCount[unit] ?? NaN) / signs.weightsPerUnit),
      excitatory: toReportNumber(signs.excitatoryMass[unit] ?? NaN),
      inhibitory: toReportNumber(signs.inhibitoryMass[unit] ?? NaN),
    })),
    omittedRowCount: found.length - listed.length,
  };
}

function inhibitoryShare({ excitatoryMass, inhibitoryMass }: LayerSigns, unit: number): number {
  const inhibitory = inhibitoryMass[unit] ?? NaN;
  return inhibitory / (inhibitory + (excitatoryMass[unit] ?? NaN));
}

/** Returns the table of layers that were not counted, and why; nothing when all were. */
export function uncountedBlocks(uncounted: readonly UncountedLayer[]): Block[] {
  if (uncounted.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Layers left out',
      folded: true,
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'kind', label: 'Kind', kind: 'text' },
        { key: 'reason', label: 'Why', kind: 'text' },
      ],
      rows: uncounted.map(({ layer, kind, reason }) => ({ layer: formatAddress({ layer }), kind, reason })),
    },
  ];
}
