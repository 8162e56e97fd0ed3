import { type Attribute, intAttribute } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom, emitSize, normalAxis, rankOf } from '../staticShapes.js';

/**
 * Gradient of DFT in all its forms: it is linear, so dx = Mᵀ·g, where M is what DFT itself makes of the unit vectors.
 *
 * M has n·m entries for n points and m frequencies; with known sizes the runtime computes it once.
 */
export const dftRule: GradientRule = {
  opType: 'DFT',
  domain: '',
  opsets: [17, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [x = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const rank = rankOf(context, x);
    const axis = normalAxis(transformedAxis(context), rank);
    const size = emitSize(context, emit, { value: x, axis });
    const parts = emitSize(context, emit, { value: x, axis: rank - 1 });
    // [… m, 2] → [… m·2] × [n·parts, m·2]ᵀ → [… n, parts]
    const perm = [...axesFrom(0, rank - 1).filter((other) => other !== axis), axis, rank - 1];
    const turned = emit.transpose(g, perm);
    const rows = emit.reshape(turned, emit.concat([emit.shape(turned, 0, -2), emit.ints([-1])], 0));
    const product = emit.node('MatMul', [
      rows,
      emit.transpose(unitResponses(context, emit, { size, parts }), [1, 0]),
    ]);
    const pairs = emit.reshape(product, emit.concat([emit.shape(turned, 0, -2), size, parts], 0));
    return [
      emit.transpose(
        pairs,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ];
  },
};

/** An attribute up to opset 19, an operand after. */
function transformedAxis(context: RuleContext): number {
  const { node } = context;
  const operand = node.inputs[2] ?? '';
  // The default moved from the first axis after the batch to the last before the parts.
  if (operand === '') return intAttribute(node, 'axis', context.builder.opset >= 20 ? -2 : 1);
  const value = context.constantOf(operand);
  if (value === undefined) throw formUnsupported(node, 'an axis computed while running');
  return toFloat64(value)[0] ?? 1;
}

/** M [n·parts, m·2]: row (j, c) is the transform of a one, or an i, at point j. */
function unitResponses(
  context: RuleContext,
  emit: Emitter,
  { size, parts }: { readonly size: string; readonly parts: string },
): string {
  const { node, builder } = context;
  const count = emit.mul(size, parts);
  const units = emit.node('EyeLike', [emit.zeros(emit.concat([count, count], 0))]);
  const signals = emit.reshape(units, emit.concat([count, size, parts], 0));
  const kept = [...node.attributes].filter(([name]) => name !== 'axis');
  const attributes: Record<string, Attribute> = Object.fromEntries(kept);
  const length = node.inputs[1] ?? '';
  const isOperand = builder.opset >= 20;
  const operands = isOperand
    ? [signals, length, emit.intScalar(1)]
    : [signals, ...(length === '' ? [] : [length])];
  const made = emit.node('DFT', operands, isOperand ? attributes : { ...attributes, axis: 1 });
  return emit.reshape(made, emit.concat([count, emit.ints([-1])], 0));
}
