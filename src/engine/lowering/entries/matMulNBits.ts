import { intAttribute } from '../../../onnx/model.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { type Composite, microsoft } from '../entry.js';

/**
 * MatMulNBits: A · Bᵀ with B [N, K] kept as n-bit numbers in blocks along K that share a scale and a zero point.
 *
 * The gradient is that of the product with the dequantised B, which is exact: B does not round while running.
 */
export const matMulNBits = microsoft('MatMulNBits', (composite) => {
  const { emit, inputs, input } = composite;
  const weight = dequantised(composite);
  const product = emit.node('MatMul', [inputs[0] ?? '', emit.transpose(weight, [1, 0])]);
  const bias = input(5);
  return [bias === undefined ? product : emit.add(product, bias)];
});

/** (q − z)·s per block, [N, blocks, size] → [N, K] */
function dequantised(composite: Composite): string {
  const { node, emit, inputs, input } = composite;
  const [rows, columns] = [intAttribute(node, 'N', 1), intAttribute(node, 'K', 1)];
  const [bits, blockSize] = [intAttribute(node, 'bits', 4), intAttribute(node, 'block_size', 32)];
  if (input(4) !== undefined) throw formUnsupported(node, 'g_idx');
  const blocks = Math.ceil(columns / blockSize);
  const [, packed = '', scales = ''] = inputs;
  const numbers = unpacked(composite, { packed, dims: [rows, blocks, -1], bits });
  const blockScale = emit.reshapeTo(scales, [rows, blocks, 1]);
  const zero = zeroPoint(composite, { rows, blocks, bits });
  const values = emit.mul(emit.sub(numbers, zero), blockScale);
  const flat = emit.reshapeTo(values, [rows, -1]);
  if (blocks * blockSize === columns) return flat;
  return emit.node('Slice', [flat, emit.ints([0]), emit.ints([columns]), emit.ints([1])]);
}

interface Packed {
  readonly packed: string;
  readonly dims: readonly number[];
  readonly bits: number;
}

/** Bytes that hold 8/bits numbers each, the lowest bits first, as floats in the given shape. */
function unpacked({ context, node, emit }: Composite, { packed, dims, bits }: Packed): string {
  if (![2, 4, 8].includes(bits)) throw formUnsupported(node, `bits=${String(bits)}`);
  const type = context.typeOf(packed);
  if (type.kind === 'tensor' && type.elementType !== 'uint8') {
    throw formUnsupported(node, 'weights that are not bytes');
  }
  const bytes = emit.unsqueeze(emit.castTo(packed, emit.elementType), [-1]);
  const base = 2 ** bits;
  // Without shifts, so that floats do: part j is ⌊b / baseʲ⌋ − base·⌊b / baseʲ⁺¹⌋.
  const above = Array.from({ length: 8 / bits }, (_, part) =>
    part === 0 ? bytes : emit.node('Floor', [emit.scale(bytes, base ** -part)]),
  );
  const parts = above.map((value, part) => {
    const next = above[part + 1];
    return next === undefined ? value : emit.sub(value, emit.scale(next, base));
  });
  return emit.reshapeTo(emit.concat(parts, -1), dims);
}

function zeroPoint(
  composite: Composite,
  { rows, blocks, bits }: { readonly rows: number; readonly blocks: number; readonly bits: number },
): string {
  const { context, emit, input } = composite;
  const given = input(3);
  if (given === undefined) return emit.scalar(2 ** (bits - 1));
  const type = context.typeOf(given);
  if (type.kind === 'tensor' && type.elementType !== 'uint8') return emit.reshapeTo(given, [rows, blocks, 1]);
  // Rows of packed zero points are padded to whole bytes.
  const all = unpacked(composite, { packed: given, dims: [rows, -1], bits });
  const cut = emit.node('Slice', [all, emit.ints([0]), emit.ints([blocks]), emit.ints([1])]);
  return emit.unsqueeze(cut, [-1]);
}
