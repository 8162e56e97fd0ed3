import { type GraphNode, intAttribute, stringAttribute } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';

/** The two scatters and how each is read back. */
type ScatterOperator = 'ScatterElements' | 'ScatterND';

interface Scattered {
  readonly emit: Emitter;
  readonly node: GraphNode;
  readonly context: RuleContext;
  readonly data: string;
  readonly updates: string;
  readonly y: string;
  readonly g: string;
  /** Returns `into` with values scattered to the node's places. */
  readonly put: (into: string, values: string, reduction: string) => string;
  /** Returns what a tensor holds at the node's places, shaped like the updates. */
  readonly read: (from: string) => string;
}

type Cotangents = readonly [data: string, updates: string];

/** What flows to the data and the updates, by reduction. */
const reductions: Readonly<Record<string, (scattered: Scattered) => Cotangents>> = {
  none: ({ emit, g, updates, put, read }) => [put(g, emit.zeros(emit.shape(updates)), 'none'), read(g)],
  add: ({ g, read }) => [g, read(g)],
  mul: throughProducts,
  max: throughExtremes,
  min: throughExtremes,
};

/** Gradient of a scatter; duplicate indices without a reduction are undefined in ONNX, and so is their gradient. */
function scatter(opType: ScatterOperator): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [13, latestOpset],
    backward(context) {
      const { node } = context;
      const [g] = context.outputCotangents;
      if (g === undefined) return [];
      const reduction = stringAttribute(node, 'reduction', 'none');
      const derive = reductions[reduction];
      if (derive === undefined) throw formUnsupported(node, `reduction=${reduction}`);
      const [toData, toUpdates] = derive(scatteredOf(context, opType, g));
      return [toData, undefined, toUpdates];
    },
  };
}

function scatteredOf(context: RuleContext, opType: ScatterOperator, g: string): Scattered {
  const { node } = context;
  const emit = emitterFor(context);
  const [data = '', indices = '', updates = ''] = node.inputs;
  const axis = opType === 'ScatterElements' ? { axis: intAttribute(node, 'axis', 0) } : {};
  return {
    emit,
    node,
    context,
    data,
    updates,
    y: node.outputs[0] ?? '',
    g,
    put: (into, values, reduction) =>
      emit.node(opType, [into, indices, values], {
        ...axis,
        ...(reduction === 'none' ? {} : { reduction }),
      }),
    read: (from) =>
      opType === 'ScatterElements'
        ? emit.node('GatherElements', [from, indices], axis)
        : emit.node('GatherND', [from, indices]),
  };
}

/** y = d·Π u: each factor gets g times the product of the others, exact where some are zero. */
function throughProducts({ emit, data, updates, g, put, read }: Scattered): Cotangents {
  const ones = emit.expandLike(emit.scalar(1), data);
  const toData = emit.mul(g, put(ones, updates, 'mul'));
  const isZero = emit.node('Equal', [updates, emit.scalar(0)]);
  const filled = emit.where(isZero, emit.scalar(1), updates);
  const zero = emit.castTo(isZero, emit.elementType);
  const otherZeros = emit.sub(read(put(emit.zeros(emit.shape(data)), zero, 'add')), zero);
  const others = emit.div(read(put(data, filled, 'mul')), filled);
  const isFree = emit.less(otherZeros, emit.scalar(0.5));
  return [toData, emit.mul(read(g), emit.keepWhere(isFree, others))];
}

/** All to the data where it is the extreme, else to the first update that is. */
function throughExtremes({ emit, data, updates, y, g, put, read }: Scattered): Cotangents {
  const isData = emit.node('Equal', [data, y]);
  const toData = emit.keepWhere(isData, g);
  const isExtreme = emit.node('Equal', [updates, read(y)]);
  const size = emit.node('Size', [updates]);
  const order = emit.reshapeLike(emit.node('Range', [emit.intScalar(0), size, emit.intScalar(1)]), updates);
  const place = emit.where(isExtreme, order, size);
  const first = put(emit.node('Expand', [size, emit.shape(data)]), place, 'min');
  const isFirst = emit.node('And', [isExtreme, emit.node('Equal', [read(first), order])]);
  return [toData, emit.keepWhere(isFirst, read(emit.where(isData, emit.scalar(0), g)))];
}

/** Gradient of ScatterElements. */
export const scatterElementsRule = scatter('ScatterElements');

/** Gradient of ScatterND. */
export const scatterNdRule = scatter('ScatterND');
