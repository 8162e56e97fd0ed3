import { UserError } from '../../../base/errors.js';
import { elementCountOf, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { CutValue } from './cut.js';

/** Points of departure: one baseline, or many to average over. */
export interface Baselines {
  /** Baselines per row. */
  readonly count: number;
  /** Returns the elements of a baseline for one row and one explained input. */
  read(index: number, row: number, coordinate: number): Float32Array;
}

/** An explained input as baselines need it. */
export type BaselineInput = CutValue & { readonly name: string };

/** Named arrays as an `.npz` holds them. */
export type NamedArrays = ReadonlyMap<string, TensorValue>;

/** Returns the same number everywhere. */
export function constantBaseline(inputs: readonly BaselineInput[], value: number): Baselines {
  const filled = inputs.map(({ dims }) => new Float32Array(elementCountOf(dims)).fill(value));
  return { count: 1, read: (_index, _row, coordinate) => filled[coordinate] ?? new Float32Array() };
}

/** Parses `zeros` or a number; undefined when the text is neither and so names a file. */
export function parseConstant(text: string): number | undefined {
  if (text.trim() === 'zeros') return 0;
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) ? value : undefined;
}

/**
 * Returns baselines from arrays named after the explained inputs, each `[dims]`, `[1, dims]` or one per row `[N, dims]`.
 *
 * @throws UserError when an array is missing or has another shape.
 */
export function baselineFromArrays(
  arrays: NamedArrays,
  inputs: readonly BaselineInput[],
  source: { readonly path: string; readonly rowCount: number },
): Baselines {
  const tensors = inputs.map((input) => {
    const elements = elementsFor(arrays, input, source.path);
    const isPerRow = elements.count === source.rowCount;
    if (elements.count === 1 || isPerRow) return { ...elements, isPerRow };
    throw wrongShape(
      source.path,
      input,
      `${String(elements.count)} rows. A baseline has one row for all, or one for each row that is explained, and ${String(source.rowCount)} ${source.rowCount === 1 ? 'is' : 'are'} explained here: save the ${source.rowCount === 1 ? 'row that belongs to it' : 'rows that belong to them'}, or set "rows" to as many`,
    );
  });
  return {
    count: 1,
    read: (_index, row, coordinate) => {
      const tensor = tensors[coordinate];
      return tensor === undefined ? new Float32Array() : tensor.row(tensor.isPerRow ? row : 0);
    },
  };
}

/**
 * Returns many baselines to average over, the rows of arrays named after the explained inputs.
 *
 * @throws UserError when an array is missing, has another shape, or another number of rows than the first.
 */
export function backgroundFromArrays(
  arrays: NamedArrays,
  inputs: readonly BaselineInput[],
  path: string,
): Baselines {
  const tensors = inputs.map((input) => elementsFor(arrays, input, path));
  const count = tensors[0]?.count ?? 0;
  for (const [i, tensor] of tensors.entries()) {
    const input = inputs[i];
    if (tensor.count !== count && input !== undefined) {
      throw wrongShape(path, input, `${String(tensor.count)} rows, but the first array has ${String(count)}`);
    }
  }
  return {
    count,
    read: (index, _row, coordinate) => tensors[coordinate]?.row(index) ?? new Float32Array(),
  };
}

function elementsFor(
  arrays: NamedArrays,
  input: BaselineInput,
  path: string,
): { readonly count: number; row(index: number): Float32Array } {
  const found = arrays.get(input.name);
  if (found === undefined) {
    throw new UserError(
      'baseline-missing',
      `${path} has no array named "${input.name}" (it has ${[...arrays.keys()].join(', ')}). Save the baseline under the name of the input.`,
      { detail: { path, input: input.name } },
    );
  }
  const wanted = input.dims.join();
  const hasRows = found.dims.length === input.dims.length + 1 && found.dims.slice(1).join() === wanted;
  if (!hasRows && found.dims.join() !== wanted) {
    throw wrongShape(
      path,
      input,
      `shape [${found.dims.join(', ')}], where [N, ${input.dims.join(', ')}] is needed`,
    );
  }
  const size = elementCountOf(input.dims);
  const elements = Float32Array.from(toFloat64(found));
  return {
    count: hasRows ? (found.dims[0] ?? 0) : 1,
    row: (index) => elements.subarray(index * size, (index + 1) * size),
  };
}

function wrongShape(path: string, input: BaselineInput, problem: string): UserError {
  return new UserError('baseline-shape', `Array "${input.name}" of ${path} has ${problem}.`, {
    detail: { path, input: input.name },
  });
}
