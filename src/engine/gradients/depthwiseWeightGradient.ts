import { rowDims, tapMaps } from './convTaps.js';
import type { WindowGeometry } from './convGeometry.js';
import type { ConvWeightOperands } from './convWeightGradient.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { spatialSizes } from './staticShapes.js';

/**
 * Appends dW [C, 1, k …] of a depthwise convolution: one channel in and out per group.
 *
 * Narrow planes are multiplied whole; of wider ones all that a row of the kernel meets lies side by side, and dot products
 * are taken with shifted cotangents. Only where sizes are open, or the kernel has one axis or three, each tap is cut out.
 */
export function emitDepthwiseWeightGradient(
  context: RuleContext,
  emit: Emitter,
  operands: ConvWeightOperands,
): string {
  const maps = flatMaps(context, operands);
  if (maps === undefined) return tapProducts(context, emit, operands);
  const flat = { ...operands, maps };
  if (maps.width <= widestPlane) return planeProducts(emit, flat);
  const isShifted = meetsAllColumns(flat) && copiedNumbers(flat) <= mostCopied;
  return isShifted ? shiftedProducts(emit, flat) : tapProducts(context, emit, operands);
}

/** Σ over positions of g·x for every tap, as a product of a row and a column per sample and channel. */
function tapProducts(context: RuleContext, emit: Emitter, operands: ConvWeightOperands): string {
  const { channels, geometry } = operands;
  const dims = rowDims(context, operands, [channels.group, 1]);
  const g = emit.reshapeTo(operands.g, dims);
  const taps = tapMaps(context, emit, operands).map((maps) =>
    emit.node('MatMul', [g, emit.transpose(emit.reshapeTo(maps, dims), [0, 1, 3, 2])]),
  );
  const sums = emit.sum(emit.concat(taps, 3), [0], false);
  return emit.reshapeTo(sums, [channels.group, 1, ...geometry.kernel]);
}

/** Sizes of the maps of a two-dimensional convolution: of its input, unpadded, and of its result. */
interface FlatMaps {
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly height: number;
  readonly width: number;
}

function flatMaps(context: RuleContext, { x, narrow, geometry }: ConvWeightOperands): FlatMaps | undefined {
  if (geometry.kernel.length !== 2) return undefined;
  const [inputHeight, inputWidth] = spatialSizes(context, x, 2) ?? [];
  const [height, width] = spatialSizes(context, narrow, 2) ?? [];
  if (inputHeight === undefined || inputWidth === undefined) return undefined;
  return height === undefined || width === undefined ? undefined : { inputHeight, inputWidth, height, width };
}

interface FlatOperands extends ConvWeightOperands {
  readonly maps: FlatMaps;
}

/**
 * Σ over positions of g·x: kernel row i meets rows h·s + i·d of x, which one Gather lays side by side, [N, C, k, h · w'], and
 * kernel column j the cotangents moved by as many columns, those that meet zeros cut off, [N, C, h · w', 1]. With a stride of
 * columns, x's are dealt out by their remainder first, [s, N, C, …], and each move serves all of them.
 *
 * Threads share a Gather, a transposition and the products. With two, 32 maps of 56² (batch 2) take 0.43 ms where a slice and a
 * product for each tap take 0.75: a slice that is written between products fetches its memory back from the other thread each
 * time. One thread takes 0.48 instead of 0.61.
 */
function shiftedProducts(emit: Emitter, operands: FlatOperands): string {
  const { channels, geometry, maps } = operands;
  const { group } = channels;
  const [rows = 1] = geometry.kernel;
  const [, step = 1] = geometry.strides;
  const { moves, places } = columnsMet(geometry);
  const width = Math.ceil(maps.inputWidth / step);
  // Behind the remainders, where there is more than one.
  const lead = step === 1 ? [-1] : [step, -1];
  const met = rowsMet(emit, geometry, { height: maps.height, isByResult: false });
  const gathered = emit.node('Gather', [dealtRows(emit, operands, width), met], { axis: lead.length + 1 });
  const x = emit.reshapeTo(gathered, [...lead, group, rows, maps.height * width]);
  const sums = moves.map((move) => {
    const pads = emit.ints([0, 0, 0, move, 0, 0, 0, width - maps.width - move]);
    const moved = emit.reshapeTo(emit.node('Pad', [operands.g, pads]), [-1, group, maps.height * width, 1]);
    return emit.node('MatMul', [x, moved]);
  });
  // [s, N, C, k, moves] → [C, k, moves · s], of which the kernel's columns are some.
  const total = emit.sum(emit.concat(sums, -1), [lead.length - 1], false);
  const turned = step === 1 ? total : emit.transpose(total, [1, 2, 3, 0]);
  const columns = emit.reshapeTo(turned, [group, rows, moves.length * step]);
  const isAll = places.length === moves.length * step && places.every((place, i) => place === i);
  const picked = isAll ? columns : emit.node('Gather', [columns, emit.ints(places)], { axis: 2 });
  return emit.reshapeTo(picked, [group, 1, ...geometry.kernel]);
}

/** Where kernel columns are among products of moved cotangents with columns by their remainder. */
interface ColumnsMet {
  /** ⌊(j · d − pad) / s⌋ of every kernel column j, each once, ascending. */
  readonly moves: readonly number[];
  /** For every kernel column, the place of its move times s, plus the remainder. */
  readonly places: readonly number[];
}

function columnsMet({ kernel, strides, dilations, padsBegin }: WindowGeometry): ColumnsMet {
  const step = strides[1] ?? 1;
  const starts = Array.from(
    { length: kernel[1] ?? 1 },
    (_, column) => column * (dilations[1] ?? 1) - (padsBegin[1] ?? 0),
  );
  const moveOf = (start: number): number => Math.floor(start / step);
  const moves = [...new Set(starts.map(moveOf))];
  const places = starts.map((start) => moves.indexOf(moveOf(start)) * step + (start - moveOf(start) * step));
  return { moves, places };
}

/** Numbers of a sample that may lie side by side: large kernels would copy large maps often. */
const mostCopied = 2 ** 22;

function copiedNumbers({ geometry, channels, maps }: FlatOperands): number {
  return (geometry.kernel[0] ?? 1) * maps.height * maps.inputWidth * channels.group;
}

/** Whether every column of the kernel meets some column of the input, so that no cotangents are cut off whole. */
function meetsAllColumns({ geometry, maps }: Pick<FlatOperands, 'geometry' | 'maps'>): boolean {
  const width = Math.ceil(maps.inputWidth / (geometry.strides[1] ?? 1));
  return columnsMet(geometry).moves.every((move) => move > -maps.width && move < width);
}

/** x with the rows of zeros that windows reach, [N, C, h', w'], or with a stride of columns s dealt out by their remainder, [s, N, C, h', w']. */
function dealtRows(emit: Emitter, operands: FlatOperands, width: number): string {
  const { geometry, channels, maps } = operands;
  const [, step = 1] = geometry.strides;
  const source = paddedRows(emit, operands, width * step - maps.inputWidth);
  if (step === 1) return source;
  const columns = emit.transpose(emit.reshapeTo(source, [-1, step]), [1, 0]);
  return emit.reshapeTo(columns, [step, -1, channels.group, paddedHeight(geometry, maps), width]);
}

/** Result widths up to which planes are multiplied whole: beyond, the table of diagonals is too large. */
const widestPlane = 16;

/**
 * gᵀ·x' with x' the rows that the kernel's rows meet, side by side, holds Σ_h g[h, w]·x[h·s + i·d, v] for all pairs of columns;
 * kernel column j is the sum of row i's diagonal v = w·s + j·d, which one product with a 0/1 table takes for all taps. It does
 * more arithmetic than needed, in matrix products.
 */
function planeProducts(emit: Emitter, operands: FlatOperands): string {
  const { g, channels, geometry, maps } = operands;
  const [rows = 1, columns = 1] = geometry.kernel;
  const met = rowsMet(emit, geometry, { height: maps.height, isByResult: true });
  const gathered = emit.node('Gather', [paddedRows(emit, operands, 0), met], { axis: 2 });
  const x = emit.reshapeTo(gathered, [-1, channels.group, maps.height, rows * maps.inputWidth]);
  const pairs = emit.node('MatMul', [emit.transpose(g, [0, 1, 3, 2]), x]);
  const flat = emit.reshapeTo(pairs, [-1, maps.width * maps.inputWidth * rows]);
  const taps = emit.node('Gemm', [flat, diagonalTable(emit, operands)]);
  // [N·C, k·l] summed over the samples
  const sums = emit.sum(emit.reshapeTo(taps, [-1, channels.group, rows * columns]), [0], false);
  return emit.reshapeTo(sums, [channels.group, 1, rows, columns]);
}

/** 1 where result column w meets column v of kernel row i by kernel column j: [w · rows · v, rows · j]. */
function diagonalTable(emit: Emitter, { geometry, maps }: FlatOperands): string {
  const [rows = 1, columns = 1] = geometry.kernel;
  const stride = geometry.strides[1] ?? 1;
  const dilation = geometry.dilations[1] ?? 1;
  const width = rows * columns;
  const data = new Float32Array(maps.width * rows * maps.inputWidth * width);
  for (let position = 0; position < maps.width; position++) {
    for (let tap = 0; tap < width; tap++) {
      const [row, column] = [Math.floor(tap / columns), tap % columns];
      const met = position * stride + column * dilation - (geometry.padsBegin[1] ?? 0);
      if (met < 0 || met >= maps.inputWidth) continue;
      data[((position * rows + row) * maps.inputWidth + met) * width + tap] = 1;
    }
  }
  const table = emit.constant({ dtype: 'float32', dims: [data.length / width, width], data });
  return emit.elementType === 'float32' ? table : emit.castTo(table, emit.elementType);
}

/** Rows of the input between as many of zeros as windows reach; rows that none reaches stay. */
function paddedHeight({ kernel, strides, dilations, padsBegin }: WindowGeometry, maps: FlatMaps): number {
  const reached = (maps.height - 1) * (strides[0] ?? 1) + ((kernel[0] ?? 1) - 1) * (dilations[0] ?? 1) + 1;
  return Math.max(reached, maps.inputHeight + (padsBegin[0] ?? 0));
}

/** These rows, with zeros behind their columns. Columns outside of the input are left out of what they meet instead. */
function paddedRows(emit: Emitter, { x, geometry, maps }: FlatOperands, behind: number): string {
  const [top = 0] = geometry.padsBegin;
  const below = paddedHeight(geometry, maps) - maps.inputHeight - top;
  if (top === 0 && below === 0 && behind === 0) return x;
  return emit.node('Pad', [x, emit.ints([0, 0, top, 0, 0, 0, below, behind])]);
}

/** The rows of the padded input that rows of the kernel meet: result row by result row, or kernel row by kernel row. */
function rowsMet(
  emit: Emitter,
  { kernel, strides, dilations }: WindowGeometry,
  { height, isByResult }: { readonly height: number; readonly isByResult: boolean },
): string {
  const rows = kernel[0] ?? 1;
  const data = Int32Array.from({ length: height * rows }, (_, i) => {
    const [result, row] = isByResult
      ? [Math.floor(i / rows), i % rows]
      : [i % height, Math.floor(i / height)];
    return result * (strides[0] ?? 1) + row * (dilations[0] ?? 1);
  });
  return emit.constant({ dtype: 'int32', dims: [data.length], data });
}
