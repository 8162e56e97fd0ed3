import { intAttribute } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import { emitBetweenZeros, type PlacedPart } from '../betweenZeros.js';
import { emitSelection } from '../emitSelection.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { fixedSize, normalAxis, shapeIfKnown } from '../staticShapes.js';

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
    const slice = asSlice(context);
    if (slice !== undefined) {
      const value = slice.isDropped ? emit.unsqueeze(g, [slice.axis]) : g;
      return [emitBetweenZeros(emit, { value, ...slice })];
    }
    if (intAttribute(node, 'axis', 0) !== 0) return [emitSelection(context, emit, g)];
    // Tables of embeddings are read along axis 0: no index per element is needed there.
    const rows = emit.unsqueeze(emit.castTo(indices, 'int64'), [-1]);
    return [emit.addedAt(emit.shape(x), { places: rows, numbers: g })];
  },
};

/** Neighbouring positions along an axis of fixed size. */
interface AxisSlice extends Omit<PlacedPart, 'value'> {
  /** Whether the operator drops the axis: its one index is a scalar. */
  readonly isDropped: boolean;
}

/** Constant indices that count up by one are a slice, as where halves are taken apart; undefined for all others. */
function asSlice(context: RuleContext): AxisSlice | undefined {
  const { node } = context;
  const [x = '', name = ''] = node.inputs;
  const indices = context.constantOf(name);
  const rank = shapeIfKnown(context, x)?.length;
  if (indices === undefined || rank === undefined || indices.dims.length > 1) return undefined;
  const axis = normalAxis(intAttribute(node, 'axis', 0), rank);
  const size = fixedSize(context, x, axis);
  const [first, ...rest] = toFloat64(indices);
  if (size === undefined || first === undefined) return undefined;
  const start = first < 0 ? first + size : first;
  const isRun = rest.every((index, i) => (index < 0 ? index + size : index) === start + i + 1);
  const isDropped = indices.dims.length === 0;
  return isRun ? { axis, start, count: rest.length + 1, size, isDropped } : undefined;
}

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
  prepare({ node, freshName }) {
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
