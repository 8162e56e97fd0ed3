import { padded, tapMaps, tapSlice, tapStarts } from './convTaps.js';
import type { ConvWeightOperands } from './convWeightGradient.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { fixedSize } from './staticShapes.js';

/**
 * Appends dW [C, 1, k …] of a depthwise convolution: one channel in and out per group.
 *
 * Small planes are multiplied whole, of others each tap's dot products are taken: 0.4 against 0.65 ms at 14², 0.8 against
 * 2.6 ms at 112² (3×3, one thread).
 */
export function emitDepthwiseWeightGradient(
  context: RuleContext,
  emit: Emitter,
  operands: ConvWeightOperands,
): string {
  const widths = smallPlane(context, operands);
  return widths === undefined
    ? tapProducts(context, emit, operands)
    : planeProducts(context, emit, { ...operands, widths });
}

/** Σ over positions of g·x for every tap, as a product of a row and a column per sample and channel. */
function tapProducts(context: RuleContext, emit: Emitter, operands: ConvWeightOperands): string {
  const { channels, geometry } = operands;
  const row = (value: string): string => emit.reshapeTo(value, [0, channels.group, 1, -1]);
  const g = row(operands.g);
  const taps = tapMaps(context, emit, operands).map((maps) =>
    emit.node('MatMul', [g, emit.transpose(row(maps), [0, 1, 3, 2])]),
  );
  const sums = emit.sum(emit.concat(taps, 3), [0], false);
  return emit.reshapeTo(sums, [channels.group, 1, ...geometry.kernel]);
}

/** Widths of a depthwise convolution over planes: of its input, unpadded, and of its result, with that one's height. */
interface PlaneWidths {
  readonly wide: number;
  readonly narrow: number;
  readonly height: number;
}

/** Results with more positions per channel take less time tap by tap. */
const largestPlane = 1024;

function smallPlane(
  context: RuleContext,
  { x, narrow, geometry }: ConvWeightOperands,
): PlaneWidths | undefined {
  if (geometry.kernel.length !== 2) return undefined;
  const wide = fixedSize(context, x, 3);
  const height = fixedSize(context, narrow, 2);
  const width = fixedSize(context, narrow, 3);
  if (wide === undefined || height === undefined || width === undefined) return undefined;
  if (height * width > largestPlane) return undefined;
  return { wide, narrow: width, height };
}

interface PlaneOperands extends ConvWeightOperands {
  readonly widths: PlaneWidths;
}

/** Result widths up to which one product takes all rows of the kernel; beyond, its table is too large. */
const joinedWidth = 16;

/**
 * For kernel row i, gᵀ·xᵢ with xᵢ the rows that the kernel row meets holds Σ_h g[h, w]·x[h + i, v] for all pairs of columns;
 * kernel column j is the sum of its diagonal v = w·s + j·d, which one product with a 0/1 table takes for all j. It does
 * more arithmetic than needed, in matrix products.
 */
function planeProducts(context: RuleContext, emit: Emitter, operands: PlaneOperands): string {
  const { g, channels, geometry, widths } = operands;
  const [kernelRows = 1, kernelColumns = 1] = geometry.kernel;
  // Columns outside of the input are left out of the table, so that whole rows are copied.
  const rowsOnly = ([begin = 0]: readonly number[]): readonly number[] => [begin, 0];
  const source = padded(emit, operands.x, {
    ...geometry,
    padsBegin: rowsOnly(geometry.padsBegin),
    padsEnd: rowsOnly(geometry.padsEnd),
  });
  const isJoined = widths.narrow <= joinedWidth;
  const rowsAtOnce = isJoined ? kernelRows : 1;
  const rows = isJoined
    ? [joinedRows(emit, source, operands)]
    : Array.from({ length: kernelRows }, (_, row) =>
        tapSlice(context, emit, {
          ...operands,
          source,
          starts: tapStarts(geometry, [row]),
          strides: geometry.strides,
          firstAxis: 2,
        }),
      );
  const table = diagonalTable(emit, operands, rowsAtOnce);
  const turned = emit.transpose(g, [0, 1, 3, 2]);
  const taps = rows.map((met) => {
    const pairs = emit.node('MatMul', [turned, met]);
    const flat = emit.reshapeTo(pairs, [-1, widths.narrow * widths.wide * rowsAtOnce]);
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

/** For every row of the result, the rows of the source that the kernel's rows meet, side by side: [N, C, h, rows · v]. */
function joinedRows(emit: Emitter, source: string, { channels, geometry, widths }: PlaneOperands): string {
  const rows = geometry.kernel[0] ?? 1;
  const met = Int32Array.from({ length: widths.height * rows }, (_, i) => {
    const first = Math.floor(i / rows) * (geometry.strides[0] ?? 1);
    return first + (i % rows) * (geometry.dilations[0] ?? 1);
  });
  const index = emit.constant({ dtype: 'int32', dims: [met.length], data: met });
  const gathered = emit.node('Gather', [source, index], { axis: 2 });
  return emit.reshapeTo(gathered, [-1, channels.group, widths.height, rows * widths.wide]);
}

/** 1 where result column w meets column v of kernel row i by kernel column j: [w · rows · v, rows · j]. */
function diagonalTable(emit: Emitter, { geometry, widths }: PlaneOperands, rows: number): string {
  const columns = geometry.kernel[1] ?? 1;
  const stride = geometry.strides[1] ?? 1;
  const dilation = geometry.dilations[1] ?? 1;
  const width = rows * columns;
  const data = new Float32Array(widths.narrow * rows * widths.wide * width);
  for (let position = 0; position < widths.narrow; position++) {
    for (let tap = 0; tap < width; tap++) {
      const [row, column] = [Math.floor(tap / columns), tap % columns];
      const met = position * stride + column * dilation - (geometry.padsBegin[1] ?? 0);
      if (met < 0 || met >= widths.wide) continue;
      data[((position * rows + row) * widths.wide + met) * width + tap] = 1;
    }
  }
  const table = emit.constant({ dtype: 'float32', dims: [data.length / width, width], data });
  return emit.elementType === 'float32' ? table : emit.castTo(table, emit.elementType);
}
