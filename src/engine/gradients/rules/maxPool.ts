import { intAttribute } from '../../../onnx/model.js';
import { emitFlatScatter } from '../emitSelection.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';

/** Gradient of MaxPool: each g goes to the first maximum of its window. */
export const maxPoolRule: GradientRule = {
  opType: 'MaxPool',
  domain: '',
  opsets: [12, latestOpset],
  prepare(node, freshName) {
    // Column-major indices number the elements otherwise; backward asks for its own then.
    if (isColumnMajor(node) || (node.outputs[1] ?? '') !== '') return node;
    return { ...node, outputs: [node.outputs[0] ?? '', freshName(`${node.outputs[0] ?? ''}/indices`)] };
  },
  backward(context) {
    const [g] = context.outputCotangents;
    const [x = ''] = context.node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    // Indices are flat over the whole tensor; windows may overlap, so cotangents add.
    return [emitFlatScatter(emit, { x, positions: indicesOf(context, x), g })];
  },
};

function isColumnMajor(node: RuleContext['node']): boolean {
  return intAttribute(node, 'storage_order', 0) === 1;
}

function indicesOf({ node, builder }: RuleContext, x: string): string {
  const [, indices = ''] = node.outputs;
  if (indices !== '' && !isColumnMajor(node)) return indices;
  const own = builder.freshName('ni/indices');
  builder.node('MaxPool', [x], {
    attributes: { ...Object.fromEntries(node.attributes), storage_order: 0 },
    outputs: [builder.freshName('ni/MaxPool'), own],
  });
  return own;
}
