import type { Dataset } from '../../data/dataset.js';
import { pictureOf } from '../../data/picture.js';
import type { Feeds } from '../../engine/runtime/session.js';
import { elementCountOf, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import type { Picture } from '../../protocol/blocks.js';

/** Returns what a row is called: `row 4` where its id is a number, else the id, which says it itself (`dog.jpg`). */
export function rowName(id: string): string {
  return /^\d+$/u.test(id) ? `row ${id}` : id;
}

/** Returns a row as a picture, where an input is `[N, 1 or 3, H, W]`; undefined where none is. */
export function rowPicture(feeds: Feeds, row: number, alt: string): Picture | undefined {
  for (const value of Object.values(feeds)) {
    const [, channelCount, height = 0, width = 0] = value.dims;
    if (value.dims.length !== 4 || (channelCount !== 1 && channelCount !== 3)) continue;
    const plane = height * width;
    const own = rowElements(value, row);
    // Planes one after the other become pixels one after the other.
    const values = own.map((_, i) => own[(i % channelCount) * plane + Math.floor(i / channelCount)] ?? 0);
    return pictureOf({ width, height, channelCount, values }, alt);
  }
  return undefined;
}

/** Values and characters of a row that are spelled out. */
const [shownValueCount, shownTextLength] = [6, 80];

/** Returns a row in words: its text where the data know the tokenizer, else the first values by the names of their columns. */
export function rowText(
  feeds: Feeds,
  row: number,
  data: Pick<Dataset, 'tokens' | 'columnNames'> | undefined,
): string {
  const { tokens, columnNames } = data ?? {};
  const ids = tokens === undefined ? undefined : feeds[tokens.input];
  if (tokens !== undefined && ids !== undefined) {
    const text = tokens.tokenizer.decode([...rowElements(ids, row)]);
    return JSON.stringify(text.length > shownTextLength ? `${text.slice(0, shownTextLength)}…` : text);
  }
  const parts = Object.entries(feeds).map(([name, value]) => {
    if (Array.isArray(value.data)) return `${name}: ${JSON.stringify(value.data[row] ?? '')}`;
    return valuesText(name, [...rowElements(value, row)], columnNames?.[name]);
  });
  return parts.join('; ');
}

function valuesText(name: string, values: readonly number[], columns: readonly string[] | undefined): string {
  const isNamed = columns?.length === values.length;
  const texts = values.slice(0, shownValueCount).map((value, i) => {
    const number = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
    return isNamed ? `${columns[i] ?? ''} ${number}` : number;
  });
  const cut = values.length > shownValueCount ? `, … (${values.length.toLocaleString('en-US')} values)` : '';
  return (isNamed ? '' : `${name}: `) + texts.join(', ') + cut;
}

function rowElements(value: TensorValue, row: number): Float64Array {
  const size = elementCountOf(value.dims.slice(1));
  return toFloat64({ ...value, dims: [size], data: value.data.slice(row * size, (row + 1) * size) });
}
