import { type GraphNode, intAttribute, stringAttribute } from '../../../onnx/model.js';
import { emitSelection } from '../emitSelection.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';

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
    return [emit.node('ScatterND', [emit.zeros(emit.shape(x)), rows, g], { reduction: 'add' })];
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
      emit.node('ScatterElements', [emit.zeros(emit.shape(x)), indices, g], {
        axis: intAttribute(node, 'axis', 0),
        reduction: 'add',
      }),
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

/** What a scatter's read-back is called, and whether both take an axis. */
interface ScatterForm {
  readonly opType: 'ScatterElements' | 'ScatterND';
  readonly read: (emit: Emitter, node: GraphNode, g: string) => string;
}

function scatter({ opType, read }: ScatterForm): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [13, latestOpset],
    backward(context) {
      const { node } = context;
      const [g] = context.outputCotangents;
      if (g === undefined) return [];
      const reduction = stringAttribute(node, 'reduction', 'none');
      if (reduction !== 'none' && reduction !== 'add') throw formUnsupported(node, `reduction=${reduction}`);
      const emit = emitterFor(context);
      const toData = reduction === 'add' ? g : overwritten(context, emit, g);
      return [
        context.wants(0) ? toData : undefined,
        undefined,
        context.wants(2) ? read(emit, node, g) : undefined,
      ];
    },
  };
}

/** g without the elements that were overwritten. */
function overwritten({ node, builder }: RuleContext, emit: Emitter, g: string): string {
  const [, indices = '', updates = ''] = node.inputs;
  return builder.node(node.opType, [g, indices, emit.zeros(emit.shape(updates))], {
    attributes: Object.fromEntries(node.attributes),
  });
}

/** Gradient of ScatterElements; duplicate indices without a reduction are undefined in ONNX, and so is their gradient. */
export const scatterElementsRule = scatter({
  opType: 'ScatterElements',
  read: (emit, node, g) =>
    emit.node('GatherElements', [g, node.inputs[1] ?? ''], { axis: intAttribute(node, 'axis', 0) }),
});

/** Gradient of ScatterND. */
export const scatterNdRule = scatter({
  opType: 'ScatterND',
  read: (emit, node, g) => emit.node('GatherND', [g, node.inputs[1] ?? '']),
});
