import { intAttribute } from '../../../onnx/model.js';
import { emitSelection } from '../emitSelection.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';

/** Gradient of Gather: rows of g added where they were read. */
export const gatherRule: GradientRule = {
  opType: 'Gather',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [x = '', indices = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    if (intAttribute(node, 'axis', 0) !== 0) return [emitSelection(context, emit, g)];
    // Tables of embeddings are read along axis 0: no index per element is needed there.
    const rows = emit.unsqueeze(emit.castTo(indices, 'int64'), [-1]);
    return [emit.addedAt(emit.shape(x), { places: rows, numbers: g })];
  },
};

/** Gradient of GatherND. */
export const gatherNdRule: GradientRule = {
  opType: 'GatherND',
  domain: '',
  opsets: [12, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    return g === undefined ? [] : [emitSelection(context, emitterFor(context), g)];
  },
};

/** Gradient of GatherElements: elements of g added where they were read. */
export const gatherElementsRule: GradientRule = {
  opType: 'GatherElements',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [x = '', indices = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    return [
      emit.addedAt(emit.shape(x), { places: indices, numbers: g, axis: intAttribute(node, 'axis', 0) }),
    ];
  },
};

/** Gradient of TopK's values: elements of g where the values came from. */
export const topKRule: GradientRule = {
  opType: 'TopK',
  domain: '',
  opsets: [11, latestOpset],
  prepare(node, freshName) {
    if ((node.outputs[1] ?? '') !== '') return node;
    return { ...node, outputs: [node.outputs[0] ?? '', freshName(`${node.outputs[0] ?? ''}/indices`)] };
  },
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [x = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const zeros = emit.zeros(emit.shape(x));
    const axis = intAttribute(node, 'axis', -1);
    return [emit.node('ScatterElements', [zeros, node.outputs[1] ?? '', g], { axis })];
  },
};
