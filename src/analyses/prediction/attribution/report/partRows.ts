import type { ChartBlock } from '../../../../protocol/blocks.js';
import type { Parts } from '../../../../protocol/parts.js';

/** Where a row of a table says what the piece is called. */
export const partKey = 'part';

/** Where it says of which row of the data the piece is. */
export const partItemKey = 'item';

/** Returns how pieces are called that are rows of a table about all rows of the data: it names both. */
export function listedRowParts(parts: Parts | undefined): Pick<ChartBlock, 'parts'> {
  if (parts === undefined) return {};
  const { noun, followUps, items } = parts;
  return { parts: { noun, followUps, key: partKey, itemKey: partItemKey, items } };
}

/** Returns how pieces are called that are rows of a table: it names them under `partKey`, of one row of the data, or of all. */
export function listedParts(parts: Parts | undefined, row?: number): Pick<ChartBlock, 'parts'> {
  if (parts === undefined) return {};
  const { noun, followUps, items } = parts;
  return { parts: { noun, followUps, key: partKey, items: [row === undefined ? {} : (items[row] ?? {})] } };
}
