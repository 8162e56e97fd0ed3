import type { ConvWeightOperands } from './convWeightGradient.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { fixedSize } from './staticShapes.js';

/** Widths of a depthwise convolution over planes: of its padded input and of its result. */
interface PlaneWidths {
  readonly padded: number;
  readonly narrow: number;
}

/**
 * Returns the widths when dW of a depthwise convolution can be taken as products of planes: one channel in and out per
 * group, two axes, known widths.
 */
export function planeWidths(
  context: RuleContext,
  { x, narrow, channels, geometry }: ConvWeightOperands,
): PlaneWidths | undefined {
  if (channels.inPerGroup !== 1 || channels.outPerGroup !== 1 || geometry.kernel.length !== 2) {
    return undefined;
  }
  const wide = fixedSize(context, x, 3);
  const width = fixedSize(context, narrow, 3);
  if (wide === undefined || width === undefined) return undefined;
  return { padded: wide + (geometry.padsBegin[1] ?? 0) + (geometry.padsEnd[1] ?? 0), narrow: width };
}

/** The padded input of a depthwise convolution, and the rows of it that kernel row `index` meets. */
export interface DepthwisePlanes {
  readonly widths: PlaneWidths;
  readonly rows: (index: number) => string;
}

/**
 * Appends dW [C, 1, k, l] of a depthwise convolution.
 *
 * For kernel row i, gᵀ·xᵢ with xᵢ the rows that the kernel row meets holds Σ_h g[h, w]·x[h + i, v] for all pairs of columns;
 * kernel column j is the sum of its diagonal v = w·s + j·d, which one product with a 0/1 table takes for all j. It does
 * more arithmetic than needed, in matrix products: 3 ms where sums over shifted copies take 8.
 */
export function emitDepthwiseWeightGradient(
  emit: Emitter,
  { g, channels, geometry }: ConvWeightOperands,
  { widths, rows }: DepthwisePlanes,
): string {
  const [kernelRows = 1, kernelColumns = 1] = geometry.kernel;
  const diagonals = emit.constant({
    dtype: 'float32',
    dims: [widths.narrow * widths.padded, kernelColumns],
    data: diagonalTable(widths, kernelColumns, {
      stride: geometry.strides[1] ?? 1,
      dilation: geometry.dilations[1] ?? 1,
    }),
  });
  const table = emit.elementType === 'float32' ? diagonals : emit.castTo(diagonals, emit.elementType);
  const turned = emit.transpose(g, [0, 1, 3, 2]);
  const taps = Array.from({ length: kernelRows }, (_, row) => {
    const pairs = emit.node('MatMul', [turned, rows(row)]);
    const flat = emit.reshapeTo(pairs, [-1, widths.narrow * widths.padded]);
    return emit.node('Gemm', [flat, table]);
  });
  // [N·C, k·l] summed over the samples
  const sums = emit.sum(
    emit.reshapeTo(emit.concat(taps, 1), [-1, channels.group, kernelRows * kernelColumns]),
    [0],
    false,
  );
  return emit.reshapeTo(sums, [channels.group, 1, kernelRows, kernelColumns]);
}

function diagonalTable(
  { padded, narrow }: PlaneWidths,
  columns: number,
  { stride, dilation }: { readonly stride: number; readonly dilation: number },
): Float32Array {
  const table = new Float32Array(narrow * padded * columns);
  for (let position = 0; position < narrow; position++) {
    for (let column = 0; column < columns; column++) {
      const met = position * stride + column * dilation;
      table[(position * padded + met) * columns + column] = 1;
    }
  }
  return table;
}
