import { open } from 'node:fs/promises';
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { throwIfAborted } from '../base/abort.js';
import { dataChanged, dataEmpty, dataMalformed, typeMismatch } from './dataErrors.js';
import { type ColumnBinding, bindColumns, columnNamesOf, columnsAsFrom } from './columns.js';
import { labelIndexer, readLabelNames } from './labels.js';
import { imageSize } from './decodeImage.js';
import type { FieldInfo, RawSample, RawValue, SampleSource, SourceRequest } from './sampleSource.js';

interface ParquetFile {
  readonly path: string;
  readonly metadata: FileMetaData;
  readonly names: readonly string[];
}

type Row = Readonly<Record<string, unknown>>;

/**
 * Opens a Parquet file: one sample a row, read one row group at a time, in order. Columns may hold numbers, lists of
 * numbers (nested ones give shapes), or encoded images (bytes, or `{ bytes }`).
 *
 * @throws UserError when it is damaged or its columns do not fit the model.
 */
export async function parquetSource(request: SourceRequest): Promise<SampleSource> {
  const { path, spec, targets, baseDir } = request;
  const file = await openParquet(path);
  const sampleCount = Number(file.metadata.num_rows);
  const [first] = sampleCount === 0 ? [] : await readRows(file, { start: 0, end: 1, columns: file.names });
  if (first === undefined) throw dataEmpty(path, 'the table has no rows');
  const { names } = file;
  const cells = names.map((name) => (isScalar(first[name]) ? String(first[name]) : undefined));
  // A missing cell says that the column holds a list or bytes, whose size is checked when it is read.
  const head = { path, names, columnCount: names.length, rows: [cells as string[]] };
  const binding = bindColumns(head, targets, spec);
  const labelNames = await readLabelNames(spec?.labels, baseDir);
  const columnNames = columnNamesOf(binding, names);
  return {
    kind: 'parquet',
    sampleCount,
    fields: await fieldsOf(binding, file, first),
    hasLabels: binding.label !== undefined,
    ...(labelNames === undefined ? {} : { labelNames }),
    ...(columnNames === undefined ? {} : { columnNames }),
    isRandomAccess: false,
    warnings: binding.warnings,
    resolved: {
      from: new Map([...binding.inputs].map(([input, columns]) => [input, namedFrom(columns, names)])),
      ...(binding.label === undefined ? {} : { labelsFrom: names[binding.label] ?? binding.label }),
    },
    samples: (selection, signal) => {
      if (selection.kind === 'order') {
        throw new Error('Parquet rows come in order; shuffling is done in memory.');
      }
      return readSamples({ file, binding, toIndex: labelIndexer(labelNames) }, { ...selection, signal });
    },
  };
}

function namedFrom(columns: readonly number[], names: readonly string[]) {
  const [only] = columns;
  return columns.length === 1 && only !== undefined ? (names[only] ?? only) : columnsAsFrom(columns);
}

function isScalar(cell: unknown): boolean {
  return ['number', 'bigint', 'boolean', 'string'].includes(typeof cell);
}

async function openParquet(path: string): Promise<ParquetFile> {
  return withBuffer(path, async (buffer) => {
    try {
      const metadata = await parquetMetadataAsync(buffer);
      const names = parquetSchema(metadata).children.map(({ element }) => element.name);
      return { path, metadata, names };
    } catch (cause) {
      throw dataMalformed(path, 'it is no readable Parquet file', { cause });
    }
  });
}

async function withBuffer<T>(path: string, use: (buffer: AsyncBuffer) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const slice = async (start: number, end = size): Promise<ArrayBuffer> => {
      const bytes = new Uint8Array(Math.max(0, end - start));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead < bytes.length) throw dataChanged(path);
      return bytes.buffer;
    };
    return await use({ byteLength: size, slice });
  } finally {
    await handle.close();
  }
}

async function readRows(
  { path, metadata }: ParquetFile,
  { start, end, columns }: { start: number; end: number; columns: readonly string[] },
): Promise<Row[]> {
  return withBuffer(path, async (file) => {
    try {
      return await parquetReadObjects({
        file,
        metadata,
        columns: [...columns],
        rowStart: start,
        rowEnd: end,
        compressors,
        // Bytes may be images; text columns are marked as such in the schema and still come as strings.
        utf8: false,
      });
    } catch (cause) {
      throw dataMalformed(path, `rows ${start} to ${end - 1} cannot be decoded`, { cause });
    }
  });
}

async function fieldsOf(
  binding: ColumnBinding,
  file: ParquetFile,
  first: Row,
): Promise<Map<string, FieldInfo>> {
  const fields = new Map<string, FieldInfo>();
  for (const [input, columns] of binding.inputs) {
    const value = valueOf(first, columns, { file, index: 0 });
    if (value.kind === 'image') {
      const [height, width] = await imageSize(value.content, value.name);
      fields.set(input, { dims: [height, width, 3], isImage: true, isPixels: true, isConstant: false });
    } else {
      fields.set(input, { dims: value.dims, isImage: false, isPixels: false, isConstant: false });
    }
  }
  return fields;
}

interface Reading {
  readonly file: ParquetFile;
  readonly binding: ColumnBinding;
  readonly toIndex: (cell: string, where: string) => number;
}

async function* readSamples(
  { file, binding, toIndex }: Reading,
  { start, end, signal }: { start: number; end: number; signal: AbortSignal | undefined },
): AsyncGenerator<RawSample> {
  const wanted = new Set([...binding.inputs.values()].flat());
  if (binding.label !== undefined) wanted.add(binding.label);
  const columns = [...wanted].map((column) => file.names[column] ?? '');
  let groupStart = 0;
  for (const group of file.metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows);
    const range = { start: Math.max(start, groupStart), end: Math.min(end, groupEnd), columns };
    if (range.start < range.end) {
      throwIfAborted(signal);
      const rows = await readRows(file, range);
      for (const [offset, row] of rows.entries()) {
        yield sampleOf(row, range.start + offset, { file, binding, toIndex });
      }
    }
    groupStart = groupEnd;
  }
}

function sampleOf(row: Row, index: number, { file, binding, toIndex }: Reading): RawSample {
  const values = new Map<string, RawValue>();
  for (const [input, columns] of binding.inputs) values.set(input, valueOf(row, columns, { file, index }));
  const id = `row ${index + 1}`;
  if (binding.label === undefined) return { index, id, values };
  const cell = row[file.names[binding.label] ?? ''];
  const text = isScalar(cell) ? String(cell) : '';
  return { index, id, values, label: toIndex(text, `${id} of ${file.path}`) };
}

function valueOf(
  row: Row,
  columns: readonly number[],
  { file, index }: { file: ParquetFile; index: number },
): RawValue {
  const cells = columns.map((column) => row[file.names[column] ?? '']);
  const [only] = cells;
  const bytes = cells.length === 1 ? imageBytes(only) : undefined;
  if (bytes !== undefined) return { kind: 'image', content: bytes, name: `row ${index + 1} of ${file.path}` };
  const dims = cells.length === 1 ? shapeOf(only) : [cells.length];
  const numbers = numbersIn(cells);
  const bad = numbers.findIndex((value) => value === undefined);
  const isRagged = numbers.length !== dims.reduce((product, dim) => product * dim, 1);
  if (bad >= 0 || isRagged) {
    const what = bad >= 0 ? 'holds something that is no number' : 'holds lists of unequal length';
    throw typeMismatch(
      `${file.path}, row ${index + 1}: column ${columns.map((column) => file.names[column]).join(', ')} ${what}. Choose numeric columns with "from" in an .inspect.json.`,
      { path: file.path, row: index + 1 },
    );
  }
  return { kind: 'array', dtype: 'float64', dims, data: Float64Array.from(numbers, (value) => value ?? NaN) };
}

/** Bytes of an encoded image, bare or as data sets on hubs wrap them: `{ bytes, path }`. */
function imageBytes(cell: unknown): Uint8Array | undefined {
  if (cell instanceof Uint8Array) return cell;
  if (typeof cell !== 'object' || cell === null || !('bytes' in cell)) return undefined;
  return cell.bytes instanceof Uint8Array ? cell.bytes : undefined;
}

function isList(cell: unknown): cell is ArrayLike<unknown> {
  return Array.isArray(cell) || (ArrayBuffer.isView(cell) && !(cell instanceof DataView));
}

function shapeOf(cell: unknown): number[] {
  if (!isList(cell)) return [];
  return [cell.length, ...shapeOf(cell[0])];
}

function numbersIn(cell: unknown): (number | undefined)[] {
  if (isList(cell)) return Array.from(cell).flatMap(numbersIn);
  if (cell === null) return [NaN];
  return [['number', 'bigint', 'boolean'].includes(typeof cell) ? Number(cell) : undefined];
}
