import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';
import { shapeIfKnown } from '../staticShapes.js';

/** Gradient of Gemm, Y = α·A′·B′ + β·C: dA′ = α·g·B′ᵀ, dB′ = α·A′ᵀ·g, dC = β·g. */
export const gemmRule: GradientRule = {
  opType: 'Gemm',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [a = '', b = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const transA = intAttribute(node, 'transA', 0);
    const transB = intAttribute(node, 'transB', 0);
    const alpha = { kind: 'float', value: floatAttribute(node, 'alpha', 1) } as const;
    const product = (left: string, right: string, flags: readonly [number, number]): string =>
      emit.node('Gemm', [left, right], { alpha, transA: flags[0], transB: flags[1] });
    const toA = (): string => (transA === 0 ? product(g, b, [0, 1 - transB]) : product(b, g, [transB, 1]));
    const toB = (): string => (transB === 0 ? product(a, g, [1 - transA, 0]) : product(g, a, [1, transA]));
    const toC = (): string => emit.scale(g, floatAttribute(node, 'beta', 1));
    return [
      context.wants(0) ? toA() : undefined,
      context.wants(1) ? toB() : undefined,
      context.wants(2) ? { value: toC(), shape: shapeIfKnown(context, node.outputs[0] ?? '') } : undefined,
    ];
  },
};
