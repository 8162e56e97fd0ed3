import { intAttribute } from '../../../onnx/model.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';
import { emitSize, normalAxis, rankOf } from '../staticShapes.js';

/** Gradient of Concat: g cut into the operands' parts. */
export const concatRule: GradientRule = {
  opType: 'Concat',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node, builder } = context;
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const axis = normalAxis(intAttribute(node, 'axis', 0), rankOf(context, node.outputs[0] ?? ''));
    const sizes = node.inputs.map((value) => emitSize(context, emit, { value, axis }));
    const outputs = node.inputs.map(() => builder.freshName('ni/Split'));
    builder.node('Split', [g, emit.concat(sizes, 0)], { attributes: { axis }, outputs });
    return outputs;
  },
};

/** Gradient of Split: the parts' cotangents joined, zeros where nothing flows. */
export const splitRule: GradientRule = {
  opType: 'Split',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const emit = emitterFor(context);
    const parts = node.outputs.map(
      (output, i) => context.outputCotangents[i] ?? emit.zeros(emit.shape(output)),
    );
    return [emit.concat(parts, intAttribute(node, 'axis', 0))];
  },
};
