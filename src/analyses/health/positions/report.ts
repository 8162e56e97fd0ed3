import { formatAddress } from '../../../onnx/addresses.js';
import type { Block, ChartBlock } from '../../../protocol/blocks.js';
import { counted, formatNumber } from '../../../protocol/formatReport.js';
import type { Evidence } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';
import { curveOf, informationOf } from './information.js';
import type { PositionCounts, PositionSweep } from './measure.js';

interface Positional {
  readonly counts: PositionCounts;
  readonly unit: number;
  readonly information: number;
}

/** Neurons listed, and those whose curve is drawn. */
const listedCount = 500;
const drawnCount = 8;

/** Returns the report of what was counted by position. */
export function draftOf(sweep: PositionSweep, threshold: number): ReportDraft {
  const { sequenceCount, layers } = sweep;
  const informations = layers.map(informationOf);
  const all = layers.flatMap((counts, at) =>
    Array.from(informations[at] ?? [], (information, unit): Positional => ({ counts, unit, information })),
  );
  const found = all
    .filter(({ information }) => information > threshold)
    .sort((a, b) => b.information - a.information);
  const evidence: Evidence = { kind: 'measured', n: sequenceCount };
  const bias = 1 / (2 * sequenceCount);
  const metrics = {
    positionalCount: found.length,
    positionalShare: found.length / Math.max(1, all.length),
    neuronCount: all.length,
    maxInformation: all.reduce((largest, { information }) => Math.max(largest, information), 0),
    informationBias: bias,
  };
  return {
    title: 'Positional neurons',
    summary: `${summaryOf(found, all.length, sweep)}${bias > threshold ? ' So few sequences give as much by chance.' : ''}`,
    metrics,
    evidence: Object.fromEntries(Object.keys(metrics).map((metric) => [metric, evidence])),
    findings: [],
    arrays: arraysOf(layers, informations, evidence),
    blocks: blocksOf(layers, found, bias),
    warnings: [
      ...sweep.warnings,
      ...(bias > threshold / 2
        ? [
            `On ${counted(sequenceCount, 'sequence')} chance alone gives about ${formatNumber(bias)} nats, ${bias > threshold ? 'more than the threshold' : 'near the threshold'} of ${formatNumber(threshold)}: pass more sequences before you read which neurons follow the position.`,
          ]
        : []),
    ],
  };
}

function summaryOf(
  found: readonly Positional[],
  neuronCount: number,
  { sequenceCount }: PositionSweep,
): string {
  const on = `on ${counted(sequenceCount, 'sequence')}`;
  const [first] = found;
  if (first === undefined) {
    return `None of ${formatNumber(neuronCount, 'count')} neurons follows the position ${on}.`;
  }
  const address = formatAddress({ layer: first.counts.layer, unit: first.unit });
  return `${formatNumber(found.length, 'count')} of ${formatNumber(neuronCount, 'count')} neurons ${found.length === 1 ? 'follows' : 'follow'} the position ${on}, most of all ${address} with ${formatNumber(first.information)} nats.`;
}

function arraysOf(
  layers: readonly PositionCounts[],
  informations: readonly Float64Array[],
  evidence: Evidence,
): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  for (const [at, { target, activeCounts, rowCounts }] of layers.entries()) {
    const { layer, unitCount } = target;
    const counts = Float64Array.from(activeCounts.flatMap((row) => [...row]));
    const array = (dims: readonly number[], data: Float64Array): ResultArray => ({
      value: { dtype: 'float64', dims, data },
      evidence,
    });
    arrays[`${layer}.information`] = array([unitCount], informations[at] ?? new Float64Array());
    arrays[`${layer}.activeByPosition`] = array([rowCounts.length, unitCount], counts);
    arrays[`${layer}.rowsByPosition`] = array([rowCounts.length], Float64Array.from(rowCounts));
  }
  return arrays;
}

function blocksOf(layers: readonly PositionCounts[], found: readonly Positional[], bias: number): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'positionalCount', label: 'Positional neurons', format: 'count' },
        { metric: 'positionalShare', label: 'Share', format: 'percent' },
        { metric: 'neuronCount', label: 'Neurons', format: 'count' },
        { metric: 'maxInformation', label: 'Largest information', unit: 'nats' },
        { metric: 'informationBias', label: 'By chance', unit: 'nats' },
      ],
    },
    // Bars of nothing would be an empty chart.
    ...(found.length === 0 ? [] : [depthChart(layers, found), curveChart(found.slice(0, drawnCount))]),
    {
      type: 'table',
      title: 'Neurons that follow the position',
      columns: [
        { key: 'neuron', label: 'Neuron', kind: 'address' },
        { key: 'information', label: 'Information', kind: 'number', unit: 'nats' },
        { key: 'active', label: 'Active', kind: 'percent', description: 'Share of all unmasked positions.' },
        { key: 'most', label: 'Most active at', kind: 'count', description: 'Position, counted from 0.' },
      ],
      rows: found.slice(0, listedCount).map(rowOf),
      ...(found.length > listedCount ? { omittedRowCount: found.length - listedCount } : {}),
    },
    {
      type: 'markdown',
      title: 'How to read this',
      folded: true,
      text: `Information is 0 for a neuron that is active as often at every position, and at most ln 2 = 0.693 nats for one that the position decides alone. So many sequences as there were give about ${formatNumber(bias)} nats by chance.`,
    },
  ];
}

function rowOf({ counts, unit, information }: Positional): Record<string, string | number> {
  const curve = curveOf(counts, unit);
  const active = counts.activeCounts.reduce((sum, row) => sum + (row[unit] ?? 0), 0);
  const rows = counts.rowCounts.reduce((sum, count) => sum + count, 0);
  return {
    neuron: formatAddress({ layer: counts.layer, unit }),
    information: toReportNumber(information),
    active: toReportNumber(active / rows),
    most: curve.indexOf(Math.max(...curve.filter((share) => !Number.isNaN(share)))),
  };
}

function depthChart(layers: readonly PositionCounts[], found: readonly Positional[]): ChartBlock {
  const rows = layers.map((counts) => ({
    layer: counts.layer,
    count: found.filter((neuron) => neuron.counts === counts).length,
  }));
  return {
    type: 'chart',
    title: 'Positional neurons over depth',
    alt: 'A bar for each layer, from input to output: how many of its neurons follow the position.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'layer', type: 'nominal', sort: null, title: null },
        x: { field: 'count', type: 'quantitative', title: 'Neurons' },
      },
    },
    table: {
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'count', label: 'Neurons', kind: 'count' },
      ],
      rows: rows.map((row) => ({ ...row, layer: formatAddress({ layer: row.layer }) })),
    },
  };
}

function curveChart(drawn: readonly Positional[]): ChartBlock {
  const points = drawn.flatMap(({ counts, unit }) => {
    const neuron = formatAddress({ layer: counts.layer, unit });
    return curveOf(counts, unit).map((share, position) => ({
      neuron,
      position,
      share: toReportNumber(share),
    }));
  });
  return {
    type: 'chart',
    title: 'Activity by position',
    alt: 'A line for each of the neurons that follow the position most: the share of sequences in which it is active there.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: points },
      mark: { type: 'line', strokeWidth: 1.5 },
      encoding: {
        x: { field: 'position', type: 'quantitative', title: 'Position' },
        y: { field: 'share', type: 'quantitative', title: 'Active', axis: { format: '%' } },
        color: { field: 'neuron', type: 'nominal', title: null },
      },
    },
    table: {
      columns: [
        { key: 'neuron', label: 'Neuron', kind: 'address' },
        { key: 'position', label: 'Position', kind: 'count' },
        { key: 'share', label: 'Active', kind: 'percent' },
      ],
      rows: points,
    },
  };
}
