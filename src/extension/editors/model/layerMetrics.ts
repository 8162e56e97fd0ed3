import { formatAddress } from '../../../onnx/addressGrammar.js';
import type { TableBlock, TableColumn } from '../../../protocol/blocks.js';
import type { Report } from '../../../protocol/report.js';
import type { LayerMetric } from '../../../protocol/views/modelMessages.js';

/** A report that numbers are taken from, and what it is called in a list. */
export interface MetricSource {
  /** Unique. */
  readonly id: string;
  /** `Dead neurons, 10:42`. */
  readonly label: string;
  readonly report: Report;
}

/**
 * Returns every number that a report gives for each layer: the numeric columns of its tables whose addresses are layers of
 * the model. So an analysis that has a table of layers is seen in the graph without further ado.
 */
export function layerMetrics(source: MetricSource, layerNames: readonly string[]): LayerMetric[] {
  const nameOf = new Map(layerNames.map((layer) => [formatAddress({ layer }), layer]));
  return source.report.blocks.flatMap((block, index) =>
    isTable(block) ? tableMetrics(block, nameOf, { ...source, id: `${source.id}/${String(index)}` }) : [],
  );
}

/** Blocks of later versions may be anything. */
function isTable(block: Report['blocks'][number]): block is TableBlock {
  return block.type === 'table' && 'rows' in block && 'columns' in block;
}

function tableMetrics(
  { columns, rows }: TableBlock,
  nameOf: ReadonlyMap<string, string>,
  { id, label }: Pick<MetricSource, 'id' | 'label'>,
): LayerMetric[] {
  const address = columns.find(({ kind }) => kind === 'address');
  if (address === undefined) return [];
  const named = rows.flatMap((row) => {
    const layer = nameOf.get(String(row[address.key] ?? ''));
    return layer === undefined ? [] : [{ layer, row }];
  });
  return columns.flatMap((column): LayerMetric[] => {
    const format = formatOf(column);
    if (format === undefined) return [];
    const values = named.flatMap(({ layer, row }): [string, number][] => {
      const cell = row[column.key];
      // NaN and ∞ are texts in reports; they have no place on a scale.
      return typeof cell === 'number' ? [[layer, cell]] : [];
    });
    if (values.length === 0) return [];
    const unit = column.unit ?? '';
    return [
      {
        id: `${id}/${column.key}`,
        label: `${column.label} · ${label}`,
        format,
        unit,
        values: Object.fromEntries(values),
      },
    ];
  });
}

function formatOf({ kind }: TableColumn): LayerMetric['format'] | undefined {
  switch (kind) {
    case 'number':
    case 'count':
    case 'percent':
      return kind;
    case 'bar':
      return 'percent';
    case 'text':
    case 'address':
    case 'state':
      return undefined;
  }
}
