import { type ColumnBinding, bindColumns, columnNamesOf, columnsAsFrom } from './columns.js';
import { type CsvRecord, guessDelimiter, parseCell, readRecords, splitRecord } from './csvRecords.js';
import { isHeader } from './csvRows.js';
import { dataEmpty, dataMalformed, typeMismatch } from './dataErrors.js';
import { labelIndexer, readLabelNames } from './labels.js';
import type {
  RawSample,
  RawValue,
  ResolvedBinding,
  SampleSource,
  Selection,
  SourceRequest,
} from './sampleSource.js';

/** How a CSV file is cut into cells. */
interface CsvFormat {
  readonly path: string;
  readonly delimiter: string;
  readonly hasHeader: boolean;
  readonly names: readonly string[] | undefined;
  readonly columnCount: number;
}

/** Rows looked at before the columns are bound. */
const headRowCount = 20;

/**
 * Opens a CSV or TSV file: one sample a row, read in one pass, in order.
 *
 * @throws UserError when it is empty, damaged, or its columns do not fit the model.
 */
export async function csvSource(request: SourceRequest): Promise<SampleSource> {
  const { path, spec, targets, baseDir } = request;
  const { format, rows } = await readHead(path);
  const binding = bindColumns({ ...format, rows }, targets, spec);
  const sampleCount = await countRecords(path, format.hasHeader);
  if (sampleCount === 0) throw dataEmpty(path, 'it has a header and no rows');
  const givenNames = await readLabelNames(spec?.labels, baseDir);
  const { names, warning } = await namesOfText(format, { binding, givenNames, rows });
  const warnings = [...binding.warnings, ...(warning === undefined ? [] : [warning])];
  const columnNames = columnNamesOf(binding, format.names);
  return {
    kind: 'csv',
    sampleCount,
    fields: new Map(
      [...binding.inputs].map(([input, columns]) => [
        input,
        { dims: [columns.length], isImage: false, isPixels: false, isConstant: false },
      ]),
    ),
    hasLabels: binding.label !== undefined,
    ...(names === undefined ? {} : { labelNames: names }),
    ...(columnNames === undefined ? {} : { columnNames }),
    isRandomAccess: false,
    warnings,
    resolved: resolvedOf(binding, format),
    samples: (selection, signal) => {
      const toIndex = labelIndexer(names);
      const textInputs = new Set(
        targets.filter(({ elementType }) => elementType === 'string').map(({ name }) => name),
      );
      return readSamples({ format, binding, toIndex, textInputs }, selection, signal);
    },
  };
}

function resolvedOf({ inputs, label }: ColumnBinding, { names }: CsvFormat): ResolvedBinding {
  return {
    from: new Map([...inputs].map(([input, columns]) => [input, columnsAsFrom(columns)])),
    ...(label === undefined ? {} : { labelsFrom: names?.[label] ?? label }),
  };
}

async function readHead(path: string): Promise<{ format: CsvFormat; rows: readonly string[][] }> {
  const records: CsvRecord[] = [];
  for await (const record of readRecords(path)) {
    records.push(record);
    if (records.length > headRowCount) break;
  }
  const [first] = records;
  if (first === undefined) throw dataEmpty(path, 'the file has no rows');
  const delimiter = guessDelimiter(first.text);
  const rows = records.map((record) => splitRecord(record, delimiter, path));
  const [header = []] = rows;
  const hasHeader = isHeader(header, rows[1]);
  const format = {
    path,
    delimiter,
    hasHeader,
    names: hasHeader ? header : undefined,
    columnCount: header.length,
  };
  return { format, rows: hasHeader ? rows.slice(1) : rows };
}

async function countRecords(path: string, hasHeader: boolean): Promise<number> {
  let count = 0;
  for await (const { text } of readRecords(path)) count += text === '' ? 0 : 1;
  return hasHeader ? count - 1 : count;
}

interface NamesSearch {
  readonly binding: ColumnBinding;
  readonly givenNames: readonly string[] | undefined;
  readonly rows: readonly (readonly string[])[];
}

/** Labels written as text need names; without any they are the distinct texts in alphabetical order. */
async function namesOfText(
  format: CsvFormat,
  { binding, givenNames, rows }: NamesSearch,
): Promise<{ names: readonly string[] | undefined; warning?: string }> {
  const { label } = binding;
  if (givenNames !== undefined || label === undefined) return { names: givenNames };
  if (rows.every((row) => parseCell(row[label] ?? '') !== undefined)) return { names: undefined };
  const distinct = new Set<string>();
  for await (const { cells } of dataRows(format)) distinct.add(cells[label] ?? '');
  const names = [...distinct].sort();
  const warning = `Assumed that the classes are the labels' names in alphabetical order: ${names.slice(0, 10).join(', ')}. Write them as "labels.names" in an .inspect.json.`;
  return { names, warning };
}

interface DataRow {
  readonly index: number;
  readonly line: number;
  readonly cells: readonly string[];
}

async function* dataRows(format: CsvFormat, signal?: AbortSignal): AsyncGenerator<DataRow> {
  const { path, delimiter, hasHeader, columnCount } = format;
  let index = hasHeader ? -1 : 0;
  for await (const record of readRecords(path, signal)) {
    if (index >= 0) {
      const cells = splitRecord(record, delimiter, path);
      if (cells.length !== columnCount) {
        throw dataMalformed(
          path,
          `line ${record.line} has ${cells.length} cells and the first row ${columnCount}`,
          {
            remedy: 'Give every row as many cells.',
          },
        );
      }
      yield { index, line: record.line, cells };
    }
    index++;
  }
}

interface Reading {
  readonly format: CsvFormat;
  readonly binding: ColumnBinding;
  readonly toIndex: (cell: string, where: string) => number;
  readonly textInputs: ReadonlySet<string>;
}

async function* readSamples(
  reading: Reading,
  selection: Selection,
  signal: AbortSignal | undefined,
): AsyncGenerator<RawSample> {
  if (selection.kind === 'order') throw new Error('CSV rows come in order; shuffling is done in memory.');
  const { format, binding, toIndex, textInputs } = reading;
  for await (const row of dataRows(format, signal)) {
    if (row.index < selection.start) continue;
    if (row.index >= selection.end) return;
    const values = new Map<string, RawValue>();
    for (const [input, columns] of binding.inputs) {
      values.set(input, textInputs.has(input) ? textValue(row, columns) : numberValue(row, columns, format));
    }
    const where = `line ${String(row.line)} of ${format.path}`;
    const label = binding.label === undefined ? undefined : toIndex(row.cells[binding.label] ?? '', where);
    yield { index: row.index, id: `row ${row.index + 1}`, values, ...(label === undefined ? {} : { label }) };
  }
}

function textValue({ cells }: DataRow, columns: readonly number[]): RawValue {
  return {
    kind: 'array',
    dtype: 'string',
    dims: [columns.length],
    data: columns.map((column) => cells[column] ?? ''),
  };
}

function numberValue({ cells, line }: DataRow, columns: readonly number[], format: CsvFormat): RawValue {
  const data = new Float64Array(columns.length);
  for (const [place, column] of columns.entries()) {
    const cell = cells[column] ?? '';
    const value = parseCell(cell);
    if (value === undefined) throw notANumber(format, { column, line, cell });
    data[place] = value;
  }
  return { kind: 'array', dtype: 'float64', dims: [data.length], data };
}

function notANumber(
  { path, names }: CsvFormat,
  { column, line, cell }: { column: number; line: number; cell: string },
): Error {
  const name = names?.[column] ?? `number ${String(column)}`;
  return typeMismatch(
    `${path}, line ${line}: column ${name} holds "${cell.slice(0, 40)}", which is no number. Correct it, or leave the column out with "from" in an .inspect.json.`,
    { path, line, column, cell: cell.slice(0, 40) },
  );
}
