import { didYouMean } from '../../../base/nearest.js';
import { UserError } from '../../../base/errors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import { type FeatureInput, fixedPartition, indexOf, type Partition } from './partition.js';

/**
 * Returns groups of a table's columns as features, written `name: column, column; column, column`; columns are names or
 * numbers, and those that stand in no group are features of their own.
 *
 * @throws UserError for a column that is not there or stands in two groups.
 */
export function groupPartition(input: FeatureInput, text: string): Partition {
  const count = elementCountOf(input.dims);
  const names: string[] = [];
  const ids = new Int32Array(count).fill(-1);
  for (const part of text.split(';').filter((group) => group.trim() !== '')) {
    const [before = '', after] = part.split(':');
    const columns = (after ?? before).split(',').map((column) => columnIndex(column.trim(), input, count));
    for (const column of columns) {
      if ((ids[column] ?? -1) >= 0) throw twice(columnName(column, input));
      ids[column] = names.length;
    }
    names.push(
      after === undefined ? columns.map((column) => columnName(column, input)).join(' + ') : before.trim(),
    );
  }
  for (let column = 0; column < count; column++) {
    if ((ids[column] ?? -1) >= 0) continue;
    ids[column] = names.length;
    names.push(columnName(column, input));
  }
  return fixedPartition({
    ids,
    count: names.length,
    note: `${String(count)} columns in ${String(names.length)} groups.`,
    nameOf: (feature) => names[feature] ?? '',
  });
}

function columnName(column: number, { name, dims, columnNames }: FeatureInput): string {
  return columnNames?.[column] ?? `${name}[${indexOf(column, dims).join(', ')}]`;
}

function columnIndex(text: string, { columnNames, name }: FeatureInput, count: number): number {
  const byName = columnNames?.indexOf(text) ?? -1;
  const index = byName >= 0 ? byName : /^\d+$/.test(text) ? Number(text) : -1;
  if (index >= 0 && index < count) return index;
  const known =
    columnNames === undefined
      ? `The data name no columns: use numbers from 0 to ${String(count - 1)}.`
      : `The columns are ${columnNames.slice(0, 20).join(', ')}${columnNames.length > 20 ? ', …' : ''}.`;
  throw new UserError(
    'unknown-column',
    `groups names the column "${text}", which input "${name}" does not have.${didYouMean(text, columnNames ?? [])} ${known}`,
    { detail: { column: text, input: name } },
  );
}

function twice(column: string): UserError {
  return new UserError(
    'column-in-two-groups',
    `groups names the column "${column}" twice. A column belongs to one feature: leave one of them out.`,
    { detail: { column } },
  );
}
