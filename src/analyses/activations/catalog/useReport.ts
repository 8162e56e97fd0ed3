import type { FoundActivation } from '../../../activations/recognise/findActivations.js';
import { edgesOf } from '../../../engine/numeric/histogram.js';
import { formatAddress } from '../../../onnx/addresses.js';
import { qualifiedOperator } from '../../../onnx/model.js';
import type { Block, ChartBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';
import { activationName, drawnFunction } from './functionsInUse.js';
import type { ActivationUse, ActivationUses } from './measureUse.js';

/** Activations drawn with their inputs. */
const drawnCount = 24;

const columns: TableColumn[] = [
  { key: 'layer', label: 'Layer', kind: 'address' },
  { key: 'activation', label: 'Activation', kind: 'text' },
  { key: 'entry', label: 'Entry', kind: 'text', description: 'Of the catalogue; empty where it is none.' },
  { key: 'operators', label: 'Written as', kind: 'text' },
];

const useColumns: TableColumn[] = [
  {
    key: 'saturated',
    label: 'Saturated',
    kind: 'percent',
    description: 'Share of the inputs at which the slope is at most 0.01 in size.',
  },
  {
    key: 'identity',
    label: 'Slope 1',
    kind: 'percent',
    description: 'Share of the inputs at which the slope is within 0.01 of 1: they pass as they are.',
  },
  { key: 'meanBefore', label: 'Mean before', kind: 'number' },
  { key: 'meanAfter', label: 'Mean after', kind: 'number' },
  { key: 'varianceBefore', label: 'Variance before', kind: 'number' },
  { key: 'varianceAfter', label: 'Variance after', kind: 'number' },
];

/** Returns the table of activations, with what was measured of them. */
export function activationTable(found: readonly FoundActivation[], uses: ActivationUses | undefined): Block {
  return {
    type: 'table',
    title: 'Activations',
    columns: [...columns, ...(uses === undefined ? [] : useColumns)],
    rows: found.map((activation) => {
      const use = uses?.get(activation);
      return {
        layer: formatAddress({ layer: activation.layer.name }),
        activation: activationName(activation),
        entry: activation.match?.entry.id ?? null,
        operators: activation.nodes.map(qualifiedOperator).join(' · '),
        ...(uses === undefined ? {} : useCells(typeof use === 'string' ? undefined : use)),
      };
    }),
  };
}

function useCells(use: ActivationUse | undefined): Record<string, ReturnType<typeof toReportNumber> | null> {
  const cell = (value: number | undefined): ReturnType<typeof toReportNumber> | null =>
    value === undefined ? null : toReportNumber(value);
  return {
    saturated: cell(use?.saturatedShare),
    identity: cell(use?.identityShare),
    meanBefore: cell(use?.before.mean),
    meanAfter: cell(use?.after.mean),
    varianceBefore: cell(use?.before.variance),
    varianceAfter: cell(use?.after.variance),
  };
}

/** Returns each activation as a curve over the range of its inputs, their histogram under it; nothing where none was measured. */
export function useCharts(found: readonly FoundActivation[], uses: ActivationUses): ChartBlock[] {
  const drawn = found
    .map((activation) => useRows(activation, uses.get(activation)))
    .filter((rows) => rows.length > 0);
  const rows = drawn.slice(0, drawnCount).flat();
  if (rows.length === 0) return [];
  const left = drawn.length - Math.min(drawn.length, drawnCount);
  return [
    {
      type: 'chart',
      title: 'Which part of each activation is used',
      alt: `Each activation over the range of its inputs, with the histogram of the inputs under it.${left > 0 ? ` ${String(left)} more are not drawn.` : ''}`,
      spec: useSpec(rows, [...new Set(rows.map(({ layer }) => layer))]),
      table: {
        columns: [
          { key: 'layer', label: 'Layer', kind: 'text' },
          { key: 'activation', label: 'Activation', kind: 'text' },
          { key: 'from', label: 'Input from', kind: 'number' },
          { key: 'to', label: 'Input to', kind: 'number' },
          { key: 'share', label: 'Share of inputs', kind: 'percent' },
          { key: 'value', label: 'f', kind: 'number' },
          { key: 'slope', label: 'f′', kind: 'number' },
        ],
        rows,
      },
    },
  ];
}

type UseRow = Record<string, TableCell> & { readonly layer: string };

/** A row for each bin of an activation's inputs, with value and slope in its middle. */
function useRows(activation: FoundActivation, use: ActivationUse | string | undefined): UseRow[] {
  const drawn = drawnFunction(activation);
  if (drawn === undefined || use === undefined || typeof use === 'string') return [];
  const { histogram } = use;
  if (histogram === undefined) return [];
  const edges = edgesOf(histogram);
  const total = histogram.counts.reduce((sum, count) => sum + count, 0);
  return Array.from(histogram.counts, (count, bin) => {
    const [from = NaN, to = NaN] = [edges[bin], edges[bin + 1]];
    const middle = (from + to) / 2;
    return {
      ...{ layer: activation.layer.name, activation: drawn.name, from, to, middle },
      share: total === 0 ? 0 : count / total,
      value: toReportNumber(drawn.value(middle)),
      slope: toReportNumber(drawn.slope(middle)),
    };
  });
}

/** Small multiples in the order of the file, each with its own range: layers differ in scale. */
function useSpec(rows: readonly unknown[], layers: readonly string[]): ChartBlock['spec'] {
  const share = { field: 'share', type: 'quantitative', title: 'share of inputs', axis: { format: '%' } };
  const value = { field: 'value', type: 'quantitative', title: 'output' };
  return {
    $schema: vegaLiteSchema,
    data: { values: [...rows] },
    facet: { field: 'layer', type: 'nominal', sort: [...layers], title: null },
    columns: 3,
    resolve: { scale: { x: 'independent', y: 'independent' } },
    spec: {
      width: 170,
      height: 110,
      resolve: { scale: { y: 'independent' } },
      layer: [
        {
          mark: { type: 'bar', opacity: 0.45, tooltip: true },
          encoding: {
            x: { field: 'from', type: 'quantitative', bin: { binned: true }, title: 'input' },
            x2: { field: 'to' },
            y: share,
          },
        },
        {
          mark: { type: 'line', tooltip: true },
          encoding: { x: { field: 'middle', type: 'quantitative' }, y: value },
        },
      ],
    },
  };
}

/** Returns what could not be told of some activations, and why; nothing where all is known. */
export function unknownBlocks(found: readonly FoundActivation[], uses: ActivationUses | undefined): Block[] {
  const rows = found.flatMap((activation) => {
    const use = uses?.get(activation);
    const reasons = [activation.reason, typeof use === 'string' ? use : undefined];
    return reasons.flatMap((reason) =>
      reason === undefined ? [] : [{ layer: formatAddress({ layer: activation.layer.name }), reason }],
    );
  });
  if (rows.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Not known',
      folded: true,
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'reason', label: 'Why', kind: 'text' },
      ],
      rows,
    },
  ];
}
