import type { Model } from '../../src/onnx/model.js';
import { type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { caseRuntime } from './gradientCase.js';
import { elementwise } from './tensors.js';

/**
 * Returns output `target` of the first output for every coalition of columns of every row, absent columns taken from the
 * baseline row; coalitions are numbered by the bits of their members.
 */
export async function gameOfColumns(
  model: Model,
  input: TensorValue,
  options: { readonly target: number; readonly baseline?: readonly number[] },
): Promise<Float64Array[]> {
  const [rowCount = 0, columnCount = 0] = input.dims;
  const [{ name: inputName } = { name: '' }] = model.graph.inputs;
  const outputName = model.graph.outputs.at(-1)?.name ?? '';
  const session = await caseRuntime.open(model);
  const values = Array.from({ length: rowCount }, () => new Float64Array(2 ** columnCount));
  for (let coalition = 0; coalition < 2 ** columnCount; coalition++) {
    const mixed = elementwise(input, (value, i) => {
      const column = i % columnCount;
      return ((coalition >> column) & 1) === 1 ? value : (options.baseline?.[column] ?? 0);
    });
    const outputs = await session.run({ [inputName]: mixed }, [outputName]);
    const scores = toFloat64(outputs[outputName]!);
    for (let row = 0; row < rowCount; row++) {
      values[row]![coalition] = scores[(row * scores.length) / rowCount + options.target]!;
    }
  }
  await session.close();
  return values;
}

/** Returns the mean over all n! orders of what each player adds to those before it. */
export function meanOverOrders(values: Float64Array, playerCount: number): Float64Array {
  const sums = new Float64Array(playerCount);
  let orderCount = 0;
  const walk = (before: number): void => {
    if (before === 2 ** playerCount - 1) orderCount++;
    for (let player = 0; player < playerCount; player++) {
      if (((before >> player) & 1) === 1) continue;
      const after = before | (1 << player);
      // Every order that begins with this prefix counts the gain: as many as the rest can be arranged.
      sums[player]! += (values[after]! - values[before]!) * factorial(playerCount - bitCount(after));
      walk(after);
    }
  };
  walk(0);
  return sums.map((sum) => sum / orderCount);
}

function bitCount(bits: number): number {
  return bits === 0 ? 0 : (bits & 1) + bitCount(bits >> 1);
}

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}
