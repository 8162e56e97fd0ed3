import { intAttribute, stringAttribute } from '../../../onnx/model.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';
import { emitSize } from '../staticShapes.js';

/** Gradient of SpaceToDepth: its inverse. */
export const spaceToDepthRule: GradientRule = {
  opType: 'SpaceToDepth',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const blocksize = intAttribute(context.node, 'blocksize', 1);
    return [emitterFor(context).node('DepthToSpace', [g], { blocksize, mode: 'DCR' })];
  },
};

/** Gradient of DepthToSpace: its inverse; in CRD order the blocks move behind the channels again. */
export const depthToSpaceRule: GradientRule = {
  opType: 'DepthToSpace',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const blocksize = intAttribute(node, 'blocksize', 1);
    const deep = emit.node('SpaceToDepth', [g], { blocksize });
    if (stringAttribute(node, 'mode', 'DCR') === 'DCR') return [deep];
    // [N, b·b, C, positions] → [N, C, b·b, positions]
    const channels = emitSize(context, emit, { value: node.outputs[0] ?? '', axis: 1 });
    const shape = emit.concat([emit.ints([0, blocksize * blocksize]), channels, emit.ints([-1])], 0);
    const swapped = emit.transpose(emit.reshape(deep, shape), [0, 2, 1, 3]);
    return [emit.reshapeLike(swapped, node.inputs[0] ?? '')];
  },
};
