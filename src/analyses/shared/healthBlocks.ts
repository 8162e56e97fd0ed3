import type { Block, ChartBlock, TableBlock, TableCell, TableColumn } from '../../protocol/blocks.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import { formatAddress } from '../../onnx/addresses.js';
import { type HealthFigures, isExpected, type LayerFigures, stateOf } from './layerFigures.js';
import { stateMeanings, type UnitState, unitStates } from './states.js';
import type { Sweep } from './sweep.js';
import { vegaLiteSchema } from './vegaLite.js';

/** A layer that has no state, and why. */
export interface UnjudgedLayer {
  readonly layer: string;
  readonly kind: string;
  readonly reason: string;
}

/** Neurons listed in a report; the arrays hold all. */
const listedNeuronCount = 500;

/** Top examples named per neuron; the array holds more. */
const namedExampleCount = 3;

/** States worth listing a neuron for, worst first. */
const listedStates: readonly UnitState[] = [
  'not-finite',
  'dead',
  'always-negative',
  'constant',
  'saturated',
  'rare',
  'always-on',
];

/** Returns the table of layers: how many units are in which state. */
export function layerTable(figures: HealthFigures): TableBlock {
  const states = unitStates.filter((state) => figures.layers.some((layer) => layer.stateCounts[state] > 0));
  const columns: TableColumn[] = [
    { key: 'layer', label: 'Layer', kind: 'address' },
    { key: 'activation', label: 'Activation', kind: 'text' },
    { key: 'units', label: 'Neurons', kind: 'count' },
    {
      key: 'deadShare',
      label: 'Dead share',
      kind: 'bar',
      description: 'Share of the neurons that are dead.',
    },
    {
      key: 'activeFraction',
      label: 'Outputs > 0',
      kind: 'percent',
      description: 'Share of all outputs that are above 0.',
    },
    {
      key: 'nonZeroFraction',
      label: 'Non-zero',
      kind: 'percent',
      description: 'Share of outputs other than 0.',
    },
    ...states.map((state): TableColumn => ({
      key: state,
      label: labelOf(state),
      kind: 'count',
      description: stateMeanings[state],
    })),
  ];
  return {
    type: 'table',
    title: 'Layers',
    columns,
    rows: figures.layers.map((layer) => layerRow(layer, states)),
  };
}

function layerRow(layer: LayerFigures, states: readonly UnitState[]): Record<string, TableCell> {
  const row: Record<string, TableCell> = {
    layer: formatAddress({ layer: layer.name }),
    activation: layer.swept.target.layer,
    units: layer.unitCount,
    deadShare: layer.judgedCount === 0 ? null : layer.stateCounts.dead / layer.judgedCount,
    activeFraction: toReportNumber(layer.activeFraction),
    nonZeroFraction: toReportNumber(layer.nonZeroFraction),
  };
  for (const state of states) row[state] = layer.stateCounts[state];
  return row;
}

/** Returns the table of neurons in a state worth knowing, worst first. */
export function neuronTable(figures: HealthFigures, sweep: Sweep): TableBlock {
  const found: { layer: LayerFigures; unit: number; rank: number }[] = [];
  for (const layer of figures.layers) {
    for (let unit = 0; unit < layer.unitCount; unit++) {
      const state = stateOf(layer, unit);
      const rank = listedStates.indexOf(state);
      if (rank >= 0 && !isExpected(layer, state)) found.push({ layer, unit, rank });
    }
  }
  // Array.prototype.sort is stable: layers stay in model order, units in theirs.
  found.sort((a, b) => a.rank - b.rank);
  const listed = found.slice(0, listedNeuronCount);
  return {
    type: 'table',
    title: 'Neurons to look at',
    alt:
      found.length === 0 ? 'No neuron is in a state worth a look.' : `${found.length} neurons, worst first.`,
    columns: neuronColumns,
    rows: listed.map(({ layer, unit }) => neuronRow(layer, unit, sweep)),
    omittedRowCount: found.length - listed.length,
  };
}

const neuronColumns: TableColumn[] = [
  { key: 'neuron', label: 'Neuron', kind: 'address' },
  { key: 'state', label: 'State', kind: 'state' },
  { key: 'maximum', label: 'Maximum', kind: 'number' },
  { key: 'mean', label: 'Mean', kind: 'number' },
  { key: 'activeSamples', label: 'Active samples', kind: 'count', description: 'Samples it is active on.' },
  {
    key: 'activeFraction',
    label: 'Outputs > 0',
    kind: 'percent',
    description: 'Share of its outputs above 0.',
  },
  { key: 'examples', label: 'Top examples', kind: 'text', description: 'Samples with its largest outputs.' },
];

function neuronRow(layer: LayerFigures, unit: number, sweep: Sweep): Record<string, TableCell> {
  const { statistics } = layer.swept;
  const at = (field: Float64Array): number => field[unit] ?? NaN;
  const { k, ids } = statistics.top;
  const examples = [...ids.slice(unit * k, unit * k + Math.min(k, namedExampleCount))].filter(
    (id) => id >= 0,
  );
  return {
    neuron: formatAddress({ layer: layer.name, unit }),
    state: stateOf(layer, unit),
    maximum: toReportNumber(at(statistics.maximum)),
    mean: toReportNumber(at(statistics.sum) / statistics.elementCount),
    activeSamples: at(statistics.activeSampleCount),
    activeFraction: toReportNumber(at(statistics.positiveCount) / statistics.elementCount),
    examples: examples.map((id) => sweep.sampleIds[id] ?? String(id)).join(', '),
  };
}

/** A share per layer to draw. */
export interface LayerShare {
  readonly key: string;
  readonly title: string;
  of(layer: LayerFigures): number;
}

/** Returns a bar per layer, in the model's order, with its table. */
export function layerChart(figures: HealthFigures, share: LayerShare): ChartBlock {
  const rows = figures.layers.map((layer) => ({ layer: layer.name, share: toReportNumber(share.of(layer)) }));
  return {
    type: 'chart',
    title: share.title,
    alt: `${share.title}, one bar per layer from input to output.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'layer', type: 'nominal', sort: null, title: null },
        x: {
          field: 'share',
          type: 'quantitative',
          title: share.key,
          scale: { domain: [0, 1] },
          axis: { format: '%' },
        },
      },
    },
    table: {
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'share', label: share.key, kind: 'percent' },
      ],
      rows: rows.map((row) => ({ ...row, layer: formatAddress({ layer: row.layer }) })),
    },
  };
}

/** Returns the table of layers without a state and why, or nothing when every layer has one. */
export function unjudgedBlocks(unjudged: readonly UnjudgedLayer[]): Block[] {
  if (unjudged.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Layers without states',
      folded: true,
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'kind', label: 'Kind', kind: 'text' },
        { key: 'reason', label: 'Not judged', kind: 'text' },
      ],
      rows: unjudged.map(({ layer, kind, reason }) => ({ layer: formatAddress({ layer }), kind, reason })),
    },
  ];
}

function labelOf(state: UnitState): string {
  return state.charAt(0).toUpperCase() + state.slice(1).replaceAll('-', ' ');
}
