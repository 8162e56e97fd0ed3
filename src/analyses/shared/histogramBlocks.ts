import { counted } from '../../protocol/formatReport.js';
import type { Block, ChartBlock, TableCell } from '../../protocol/blocks.js';
import type { Distribution } from './distribution.js';
import { vegaLiteSchema } from './vegaLite.js';

/** Layers drawn with a histogram each. */
const drawnHistogramCount = 24;

/** Returns the histograms of the outputs, layer by layer, or nothing when none was measured. */
export function histogramBlocks(
  distributions: readonly Distribution[],
  names: ReadonlyMap<Distribution['target'], string>,
): Block[] {
  const drawn = distributions.slice(0, drawnHistogramCount);
  const [first] = drawn;
  if (first === undefined) return [];
  const rows = drawn.flatMap((distribution) => histogramRows(distribution, names));
  const left = distributions.length - drawn.length;
  const chart: ChartBlock = {
    type: 'chart',
    title: `How outputs are spread (on ${counted(first.sampleCount, 'sample')})`,
    alt: `Histograms of the outputs of ${drawn.length} layers.${left > 0 ? ` ${left} more layers are not drawn.` : ''}`,
    folded: true,
    spec: histogramSpec(rows),
    table: {
      columns: [
        { key: 'layer', label: 'Layer', kind: 'text' },
        { key: 'from', label: 'From', kind: 'number' },
        { key: 'to', label: 'To', kind: 'number' },
        { key: 'share', label: 'Share', kind: 'percent' },
        { key: 'count', label: 'Outputs', kind: 'count' },
      ],
      rows,
    },
  };
  return [chart];
}

function histogramRows(
  { target, histogram }: Distribution,
  names: ReadonlyMap<Distribution['target'], string>,
): Record<string, TableCell>[] {
  const { low, high, counts } = histogram;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const width = (high - low) / counts.length;
  return Array.from(counts, (count, bin) => ({
    layer: names.get(target) ?? target.layer,
    from: low + bin * width,
    to: low + (bin + 1) * width,
    share: total === 0 ? 0 : count / total,
    count,
  }));
}

/** Small multiples, each with its own range: layers differ in scale. */
function histogramSpec(rows: readonly Record<string, TableCell>[]): ChartBlock['spec'] {
  return {
    $schema: vegaLiteSchema,
    data: { values: rows },
    facet: { field: 'layer', type: 'nominal', sort: null, title: null },
    columns: 4,
    resolve: { scale: { x: 'independent' } },
    spec: {
      width: 140,
      height: 80,
      mark: { type: 'bar', tooltip: true },
      encoding: {
        x: { field: 'from', type: 'quantitative', bin: { binned: true }, title: null },
        x2: { field: 'to' },
        y: { field: 'share', type: 'quantitative', title: 'share', axis: { format: '%' } },
      },
    },
  };
}
