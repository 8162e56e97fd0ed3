import { floatAttribute, type GraphNode, intAttribute } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../../gradients/emitter.js';
import type { GradientRule, RuleContext } from '../../gradients/gradientRule.js';
import { axesFrom, shapeIfKnown } from '../../gradients/staticShapes.js';
import { unbroadcast } from '../../gradients/unbroadcast.js';
import type { LayerEnd } from './layerEnds.js';

/** A dense or convolution layer z = W·a + b as the relevance rules need it. */
export interface WeightedLayer {
  readonly emit: Emitter;
  readonly isConvolution: boolean;
  /** Input a. */
  readonly input: string;
  /** z with its bias. */
  readonly value: string;
  /** W, the normalisation behind it folded in. */
  readonly weight: string;
  /** Multiplier c of z: its relevance is z·c. */
  readonly multiplier: string;
  /** Appends V·x for another weight V and input x, without bias. */
  readonly apply: (weight: string, input: string) => string;
  /** Appends Vᵀ·s. */
  readonly back: (weight: string, s: string) => string;
}

/** Returns the layer of a node, or undefined where its weight is no fixed one or turns signs around. */
export function weightedLayer(
  own: GradientRule,
  context: RuleContext,
  { end, multiplier }: { readonly end: LayerEnd; readonly multiplier: string },
): WeightedLayer | undefined {
  const { node } = context;
  const dataIndex = context.wants(0) ? 0 : 1;
  const weightIndex = 1 - dataIndex;
  const weightName = node.inputs[weightIndex] ?? '';
  const isTurned = node.opType === 'Gemm' && floatAttribute(node, 'alpha', 1) <= 0;
  if (context.wants(weightIndex) || isTurned) return undefined;
  const emit = emitterFor(context);
  const weight = folded(context, emit, { weight: weightName, normalization: end.normalization });
  if (weight === undefined) return undefined;
  const input = node.inputs[dataIndex] ?? '';
  const withWeight = (name: string, data: string): readonly string[] =>
    dataIndex === 0 ? [data, name] : [name, data];
  return {
    emit,
    isConvolution: node.opType.startsWith('Conv'),
    input,
    value: end.value,
    weight,
    multiplier,
    apply: (name, data) =>
      context.builder.node(node.opType, withWeight(name, data), {
        attributes: Object.fromEntries(node.attributes),
      }),
    back: (name, s) => {
      const inputs = withWeight(name, input);
      return backThrough(own, { ...context, node: { ...node, inputs } }, { dataIndex, weightName, s });
    },
  };
}

/** Vᵀ·s for the weight V that stands in the node in place of the named one. */
function backThrough(
  own: GradientRule,
  context: RuleContext,
  at: { readonly dataIndex: number; readonly weightName: string; readonly s: string },
): string {
  const { node } = context;
  const weight = node.inputs[1 - at.dataIndex];
  const input = node.inputs[at.dataIndex] ?? '';
  const standing = (value: string): string => (value === weight ? at.weightName : value);
  const found = own.backward({
    ...context,
    outputCotangents: [at.s],
    wants: (index) => index === at.dataIndex,
    typeOf: (value) => context.typeOf(standing(value)),
    isConstant: (value) => context.isConstant(standing(value)),
  })[at.dataIndex];
  if (found === undefined) throw new Error(`${node.opType} passed nothing back to its input.`);
  if (typeof found === 'string') return found;
  const to = shapeIfKnown(context, input);
  if (to === null || found.shape === null) return found.value;
  return unbroadcast(emitterFor(context), { value: found.value, from: found.shape, target: input, to });
}

/** W times the scale of the normalisation behind it, per output channel; undefined where there is no such form. */
function folded(
  context: RuleContext,
  emit: Emitter,
  { weight, normalization }: { readonly weight: string; readonly normalization: GraphNode | undefined },
): string | undefined {
  if (normalization === undefined) return weight;
  const rank = shapeIfKnown(context, weight)?.length;
  const axis = outputAxis(context.node);
  if (rank === undefined || axis === undefined) return undefined;
  const [scale = '', , , variance = ''] = normalization.inputs.slice(1);
  const spread = emit.add(variance, emit.scalar(floatAttribute(normalization, 'epsilon', 1e-5)));
  const factor = emit.div(scale, emit.node('Sqrt', [spread]));
  const others = axesFrom(0, rank).filter((each) => each !== axis);
  return emit.mul(weight, emit.unsqueeze(factor, others));
}

/** Axis of the weight that counts output channels. */
function outputAxis(node: GraphNode): number | undefined {
  switch (node.opType) {
    case 'Conv':
      return 0;
    case 'ConvTranspose':
      return intAttribute(node, 'group', 1) === 1 ? 1 : undefined;
    case 'Gemm':
      return intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
    default:
      return undefined;
  }
}
