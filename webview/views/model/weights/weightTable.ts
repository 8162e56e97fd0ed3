import type { WeightInfo } from '../../../../src/protocol/structure.js';
import type { TableData } from '../../../components/table/tableData.js';
import { t } from '../../../text.js';

/** Tells whether a constant is one that people look for: it has a role in a layer, or holds more than a number or two. */
export function isNotable({ layer, role, dims, dtype }: WeightInfo): boolean {
  const isTrained = layer !== null && /weight|bias|scale|table|slope|mean|variance/.test(role);
  return isTrained || (/^b?float/.test(dtype) && elementCount(dims) > 1);
}

/** Returns the table of constants. */
export function weightTable(weights: readonly WeightInfo[]): TableData {
  return {
    columns: [
      { key: 'name', label: t('Name'), kind: 'text' },
      {
        key: 'role',
        label: t('Role'),
        kind: 'text',
        description: t('What it is for where it is read first'),
      },
      { key: 'layer', label: t('Layer'), kind: 'address', description: t('The layer that reads it first') },
      { key: 'dtype', label: t('Type'), kind: 'text' },
      { key: 'dims', label: t('Shape'), kind: 'text' },
      { key: 'bytes', label: t('Size'), kind: 'count', unit: t('bytes') },
    ],
    rows: weights.map(({ name, role, layer, dtype, dims, sizeBytes }) => ({
      ...{ name, role, layer, dtype, dims: dimsText(dims) },
      bytes: sizeBytes,
    })),
  };
}

/** Returns a shape as people write it: `16 × 3 × 3 × 3`, `scalar`. */
export function dimsText(dims: readonly number[]): string {
  return dims.length === 0 ? t('scalar') : dims.join(' × ');
}

/** Returns the number of elements of a shape; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}
