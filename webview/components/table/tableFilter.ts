import type { TableColumn } from '../../../src/protocol/blocks.js';
import { holdsText, numberOf, type TableData, type TableRow } from './tableData.js';

/** What a person typed, understood: words that a row must hold and comparisons that it must meet. */
export interface TableFilter {
  /** In lower case; each must stand in some cell of the row. */
  readonly words: readonly string[];
  readonly comparisons: readonly Comparison[];
}

interface Comparison {
  readonly key: string;
  readonly operator: '>' | '>=' | '<' | '<=' | '=';
  readonly value: number;
}

/**
 * Returns a filter from its text: `dead fc1 mean>0.5` finds rows with both words whose mean is above 0.5.
 *
 * A column is named by its label or its key. A share may be given in percent: `dead share > 30`, `> 30 %`, `> 0.3`.
 */
export function parseFilter(text: string, columns: readonly TableColumn[]): TableFilter {
  const comparisons: Comparison[] = [];
  let rest = text;
  for (const column of columns) {
    if (holdsText(column)) continue;
    rest = rest.replace(
      comparisonOf(column),
      (_, operator: Comparison['operator'], number: string, percent) => {
        comparisons.push({
          key: column.key,
          operator,
          value: valueOf(column, number, percent !== undefined),
        });
        return ' ';
      },
    );
  }
  const words = rest
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return { words, comparisons };
}

/** Returns the places of the rows that a filter lets through, in their order. */
export function filterRows(table: TableData, filter: TableFilter, texts: readonly string[]): number[] {
  const found: number[] = [];
  for (const [index, row] of table.rows.entries()) {
    const text = texts[index] ?? '';
    const hasWords = filter.words.every((word) => text.includes(word));
    if (hasWords && filter.comparisons.every((comparison) => meets(row, comparison))) found.push(index);
  }
  return found;
}

/** Returns what words are searched in, a text a row, in lower case. */
export function searchTexts({ columns, rows }: TableData): string[] {
  const keys = columns.filter(holdsText).map((column) => column.key);
  return rows.map((row) => keys.map((key) => String(row[key] ?? '').toLowerCase()).join('\n'));
}

function comparisonOf(column: TableColumn): RegExp {
  // Longest first, so that "dead share" is not read as the word "dead" and a column "share".
  const names = [column.label, column.key].sort((a, b) => b.length - a.length).map(escapeRegExp);
  return new RegExp(
    `(?<!\\S)(?:${names.join('|')})\\s*(>=|<=|>|<|=)\\s*(-?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[-+]?\\d+)?)\\s*(%)?(?!\\S)`,
    'giu',
  );
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+');
}

function valueOf(column: TableColumn, number: string, isPercent: boolean): number {
  const value = Number(number);
  const isShare = column.kind === 'percent' || column.kind === 'bar';
  // A share is at most 1: whoever writes more means percent.
  return isShare && (isPercent || Math.abs(value) > 1) ? value / 100 : value;
}

function meets(row: TableRow, { key, operator, value }: Comparison): boolean {
  const number = numberOf(row[key]);
  switch (operator) {
    case '>':
      return number > value;
    case '>=':
      return number >= value;
    case '<':
      return number < value;
    case '<=':
      return number <= value;
    case '=':
      return number === value;
  }
}
