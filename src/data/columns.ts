import type { DataSpec, FromSpec, LabelsSpec } from '../protocol/inspectFile.js';
import { fieldMissing, shapeMismatch } from './dataErrors.js';
import { fromObject } from './inputPlan.js';
import { formatShape, type InputTarget, sampleElementCount } from './inputTargets.js';

/** What is known of a table's columns: their names (perhaps none) and the first rows. */
export interface TableHead {
  readonly path: string;
  /** Names, or undefined where the file has no header. */
  readonly names: readonly string[] | undefined;
  readonly columnCount: number;
  /** Cells of the first rows, to tell labels from features. */
  readonly rows: readonly (readonly string[])[];
}

/** Which columns feed which input. */
export interface ColumnBinding {
  /** Column indices by input. */
  readonly inputs: ReadonlyMap<string, readonly number[]>;
  readonly label: number | undefined;
  readonly warnings: readonly string[];
}

/** Returns columns as an inspect file writes them: one, a range, or a list. */
export function columnsAsFrom(columns: readonly number[]): FromSpec {
  const [first = 0] = columns;
  if (columns.length === 1) return first;
  const isRange = columns.every((column, place) => column === first + place);
  return isRange ? { first, last: first + columns.length - 1 } : { columns: [...columns] };
}

/** Returns the names of the columns that feed each input; undefined where the file names none. */
export function columnNamesOf(
  binding: ColumnBinding,
  names: readonly string[] | undefined,
): Readonly<Record<string, readonly string[]>> | undefined {
  if (names === undefined) return undefined;
  return Object.fromEntries(
    [...binding.inputs].map(([input, columns]) => [input, columns.map((column) => names[column] ?? '')]),
  );
}

const labelNames = new Set(['label', 'labels', 'class', 'target', 'y', 'species', 'variety', 'digit']);

/**
 * Decides which columns feed the inputs and which is the label.
 *
 * @throws UserError when a named column is missing or the number of columns does not fit the model.
 */
export function bindColumns(
  head: TableHead,
  targets: readonly InputTarget[],
  spec: DataSpec | undefined,
): ColumnBinding {
  const warnings: string[] = [];
  const label = findLabel(head, { targets, labels: spec?.labels, warnings });
  const inputs = new Map<string, readonly number[]>();
  for (const target of targets) {
    const from = spec?.inputs[target.name]?.from;
    const columns =
      from === undefined ? unnamedColumns(head, target, { targets, label }) : named(head, from, label);
    checkCount(head, target, columns);
    inputs.set(target.name, columns);
  }
  return { inputs, label, warnings };
}

/** Returns a column's index by name or number. */
function columnIndex(head: TableHead, column: string | number): number {
  const index = typeof column === 'number' ? column : (head.names?.indexOf(column) ?? -1);
  if (index >= 0 && index < head.columnCount) return index;
  const present = head.names ?? [`${head.columnCount} columns without names (0 to ${head.columnCount - 1})`];
  throw fieldMissing(head.path, `column ${JSON.stringify(column)}`, present);
}

function named(head: TableHead, from: FromSpec, label: number | undefined): readonly number[] {
  if (typeof from !== 'object') return [columnIndex(head, from)];
  const { columns, first, last } = fromObject(from);
  if (columns !== undefined) return columns.map((column) => columnIndex(head, column));
  const start = first === undefined ? 0 : columnIndex(head, first);
  const end = last === undefined ? head.columnCount - 1 : columnIndex(head, last);
  const range = Array.from({ length: Math.max(0, end - start + 1) }, (_, offset) => start + offset);
  return first === undefined || last === undefined ? range.filter((column) => column !== label) : range;
}

function unnamedColumns(
  head: TableHead,
  target: InputTarget,
  { targets, label }: { targets: readonly InputTarget[]; label: number | undefined },
): readonly number[] {
  const all = Array.from({ length: head.columnCount }, (_, column) => column);
  const own = all.filter((column) => belongsTo(head.names?.[column], target.name));
  if (own.length > 0) return own;
  if (targets.length === 1) return all.filter((column) => column !== label);
  throw fieldMissing(
    head.path,
    `columns for the input "${target.name}" (named ${target.name}, ${target.name}_0 …)`,
    head.names ?? [],
  );
}

/** `name`, `name_0`, `name.0` or `name[0]`. */
function belongsTo(column: string | undefined, input: string): boolean {
  if (column?.startsWith(input) !== true) return false;
  return /^$|^[_.]\d+$|^\[\d+\]$/.test(column.slice(input.length));
}

function checkCount(head: TableHead, target: InputTarget, columns: readonly number[]): void {
  const wanted = sampleElementCount(target);
  if (wanted === undefined || columns.length === wanted) return;
  // One column may hold a list or an image; what it holds is checked when it is read.
  if (columns.length === 1 && head.rows.every((row) => row[columns[0] ?? 0] === undefined)) return;
  throw shapeMismatch(
    `${head.path} has ${columns.length} columns for the input "${target.name}", which takes ${wanted} numbers per sample (${formatShape(target.shape ?? [])}). Choose columns with "from": {"first": …, "last": …} in an .inspect.json.`,
    { input: target.name, columnCount: columns.length, wanted },
  );
}

interface LabelSearch {
  readonly targets: readonly InputTarget[];
  readonly labels: LabelsSpec | undefined;
  readonly warnings: string[];
}

function findLabel(head: TableHead, { targets, labels, warnings }: LabelSearch): number | undefined {
  if (labels !== undefined) return columnIndex(head, labels.from);
  const byName = head.names?.findIndex(
    (name) => labelNames.has(name.toLowerCase()) && !targets.some((target) => belongsTo(name, target.name)),
  );
  if (byName !== undefined && byName >= 0) {
    warnings.push(`Assumed that column "${head.names?.[byName] ?? ''}" holds the labels.`);
    return byName;
  }
  const wanted =
    targets.length === 1 && targets[0] !== undefined ? sampleElementCount(targets[0]) : undefined;
  if (wanted === undefined || head.columnCount !== wanted + 1) return undefined;
  const column = labelColumn(head);
  const place = column === 0 ? 'first' : 'last';
  warnings.push(
    `Assumed that the ${place} column holds the labels: there is one column more than the ${wanted} numbers that the model takes.`,
  );
  return column;
}

/** First or last column: the one with text, else the one with whole numbers, else (both whole) the first. */
function labelColumn({ rows, columnCount }: TableHead): number {
  const last = columnCount - 1;
  const holds = (column: number, test: (cell: string) => boolean) =>
    rows.every((row) => test(row[column] ?? ''));
  const isText = (cell: string) => Number.isNaN(Number(cell));
  const isWhole = (cell: string) => Number.isInteger(Number(cell));
  if (holds(0, isText)) return 0;
  if (holds(last, isText)) return last;
  return holds(0, isWhole) || !holds(last, isWhole) ? 0 : last;
}
