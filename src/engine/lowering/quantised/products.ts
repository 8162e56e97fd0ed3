import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import { rankOf } from '../../gradients/staticShapes.js';
import { attributesOf, type Composite, float, lowering, microsoft } from '../entry.js';
import { emitLevels, emitReal, realEmitter } from './levels.js';

const isStraightThrough = true;
const convAttributes = ['auto_pad', 'dilations', 'group', 'kernel_shape', 'pads', 'strides'];

/** One number per output channel of a convolution's weight [M, C, k …]. */
function perKernel(composite: Composite, weight: string): (value: string) => string {
  const rank = rankOf(composite.context, weight);
  return (value) =>
    realEmitter(composite).unsqueeze(
      value,
      Array.from({ length: rank - 1 }, (_, axis) => axis + 1),
    );
}

/** QLinearConv as the convolution of the real numbers; its bias counts in units of both scales. */
export const qLinearConv = lowering(
  { opType: 'QLinearConv', domain: '', first: 10 },
  (composite) => {
    const { node, inputs, input } = composite;
    const emit = realEmitter(composite);
    const [x = '', xScale = '', , w = '', wScale = ''] = inputs;
    const real = emitReal(composite, { levels: x, scale: xScale, zero: input(2) });
    const spread = perKernel(composite, w);
    const weight = emitReal(composite, { levels: w, scale: wScale, zero: input(5), spread });
    const bias = input(8);
    const unit = emit.mul(xScale, wScale);
    const extra = bias === undefined ? [] : [emit.mul(emit.castTo(bias, 'float32'), unit)];
    const convolved = emit.node('Conv', [real, weight, ...extra], attributesOf(node, convAttributes));
    return [emitLevels(composite, convolved, { scale: input(6), zero: input(7) })];
  },
  { isStraightThrough },
);

/** ConvInteger as the convolution of its levels, less the zero points. */
export const convInteger = lowering(
  { opType: 'ConvInteger', domain: '', first: 10 },
  (composite) => {
    const { node, inputs, input } = composite;
    const [x = '', w = ''] = inputs;
    const operands = [
      emitReal(composite, { levels: x, zero: input(2) }),
      emitReal(composite, { levels: w, zero: input(3), spread: perKernel(composite, w) }),
    ];
    return [realEmitter(composite).node('Conv', operands, attributesOf(node, convAttributes))];
  },
  { isStraightThrough },
);

/** One number per row of a left operand [… rows, columns]; a right operand's are per column and broadcast as they are. */
function perRow(composite: Composite): (value: string) => string {
  return (value) =>
    rankOf(composite.context, value) === 1 ? realEmitter(composite).unsqueeze(value, [1]) : value;
}

/** MatMulInteger as the product of its levels, less the zero points. */
export const matMulInteger = lowering(
  { opType: 'MatMulInteger', domain: '', first: 10 },
  (composite) => {
    const { inputs, input } = composite;
    const [a = '', b = ''] = inputs;
    const operands = [
      emitReal(composite, { levels: a, zero: input(2), spread: perRow(composite) }),
      emitReal(composite, { levels: b, zero: input(3) }),
    ];
    return [realEmitter(composite).node('MatMul', operands)];
  },
  { isStraightThrough },
);

function linearMatMul(composite: Composite): readonly string[] {
  const { inputs, input } = composite;
  const [a = '', aScale = '', , b = '', bScale = ''] = inputs;
  const spread = perRow(composite);
  const product = realEmitter(composite).node('MatMul', [
    emitReal(composite, { levels: a, scale: aScale, zero: input(2), spread }),
    emitReal(composite, { levels: b, scale: bScale, zero: input(5) }),
  ]);
  return [emitLevels(composite, product, { scale: input(6), zero: input(7) })];
}

/** QLinearMatMul as the product of the real numbers. */
export const qLinearMatMul = lowering({ opType: 'QLinearMatMul', domain: '', first: 10 }, linearMatMul, {
  isStraightThrough,
});

/** QGemm as the Gemm of the real numbers; without a result's scale the result is real. */
export const qGemm = microsoft(
  'QGemm',
  (composite) => {
    const { node, inputs, input } = composite;
    const emit = realEmitter(composite);
    const [a = '', aScale = '', , b = '', bScale = ''] = inputs;
    const isTurned = intAttribute(node, 'transB', 0) === 1;
    // Per column of B, which are its rows when it is turned.
    const spread = isTurned ? perRow(composite) : (value: string) => value;
    const alpha = floatAttribute(node, 'alpha', 1);
    const bias = input(6);
    const unit = emit.scale(emit.mul(aScale, bScale), alpha);
    const product = emit.node(
      'Gemm',
      [
        emitReal(composite, { levels: a, scale: aScale, zero: input(2) }),
        emitReal(composite, { levels: b, scale: bScale, zero: input(5), spread }),
        ...(bias === undefined ? [] : [emit.mul(emit.castTo(bias, 'float32'), unit)]),
      ],
      { ...attributesOf(node, ['transA', 'transB']), alpha: float(alpha) },
    );
    const scale = input(7);
    return [scale === undefined ? product : emitLevels(composite, product, { scale, zero: input(8) })];
  },
  { isStraightThrough },
);

/** MatMulIntegerToFloat: the product of the real numbers, plus a bias. */
export const matMulIntegerToFloat = microsoft('MatMulIntegerToFloat', (composite) => {
  const { inputs, input } = composite;
  const emit = realEmitter(composite);
  const [a = '', b = ''] = inputs;
  const product = emit.node('MatMul', [
    emitReal(composite, { levels: a, scale: input(2), zero: input(4) }),
    emitReal(composite, { levels: b, scale: input(3), zero: input(5) }),
  ]);
  const bias = input(6);
  return [bias === undefined ? product : emit.add(product, bias)];
});

/** DynamicQuantizeMatMul: A, rounded while running and here as it is, times the dequantised B. */
export const dynamicQuantizeMatMul = microsoft(
  'DynamicQuantizeMatMul',
  (composite) => {
    const { inputs, input } = composite;
    const emit = realEmitter(composite);
    const [a = '', b = '', scale = ''] = inputs;
    const product = emit.node('MatMul', [a, emitReal(composite, { levels: b, scale, zero: input(3) })]);
    const bias = input(4);
    return [bias === undefined ? product : emit.add(product, bias)];
  },
  { isStraightThrough },
);
