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
  readonly operator: Operator;
  readonly value: number;
}

const operators = ['>', '>=', '<', '<=', '='] as const;
type Operator = (typeof operators)[number];

/**
 * Returns a filter from its text: `dead fc1 mean>0.5` finds rows with both words whose mean is above 0.5.
 *
 * A column is named by its label or its key. A share may be given in percent: `dead share > 30`, `> 30 %`, `> 0.3`.
 */
export function parseFilter(text: string, columns: readonly TableColumn[]): TableFilter {
  const byName = new Map<string, TableColumn>();
  for (const column of columns) {
    if (holdsText(column)) continue;
    for (const name of [column.key, column.label]) byName.set(normal(name), column);
  }
  const comparisons: Comparison[] = [];
  let rest = text;
  for (const [whole, name = '', operator = '', number = '', percent] of text.matchAll(
    comparisonOf(byName.keys()),
  )) {
    const column = byName.get(normal(name));
    if (column === undefined || !isOperator(operator)) continue;
    comparisons.push({ key: column.key, operator, value: valueOf(column, number, percent !== undefined) });
    rest = rest.replace(whole, ' ');
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

function comparisonOf(names: Iterable<string>): RegExp {
  // Longest first, so that "dead share" is not read as the word "dead" and a column "share".
  const alternatives = [...names].sort((a, b) => b.length - a.length).map(escapeRegExp);
  return new RegExp(
    `(?<!\\S)(${alternatives.join('|')})\\s*(>=|<=|>|<|=)\\s*(-?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[-+]?\\d+)?)\\s*(%)?(?!\\S)`,
    'giu',
  );
}

function isOperator(text: string): text is Operator {
  return operators.some((operator) => operator === text);
}

function normal(name: string): string {
  return name.trim().toLowerCase().replace(/\s+/g, ' ');
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
