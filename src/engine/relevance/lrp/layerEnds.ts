import { type GraphIndex, indexGraph } from '../../../onnx/graphIndex.js';
import { type GraphNode, intAttribute, type Model } from '../../../onnx/model.js';

/** Where a layer ends: behind its bias and the normalisation that a trained model holds fixed. */
export interface LayerEnd {
  /** The layer's value, bias included. */
  readonly value: string;
  /** A BatchNormalization that is one with the layer. */
  readonly normalization: GraphNode | undefined;
}

const layerTypes = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/**
 * Returns where the dense and convolution layers of a model end, by node, as seen when one reads their outputs forwards.
 *
 * A chain ends at a value that is read twice or is one of `stops`, whose own relevance somebody asks for.
 */
export function layerEnds(model: Model, stops: ReadonlySet<string>): ReadonlyMap<GraphNode, LayerEnd> {
  const index = indexGraph(model.graph);
  const { initializers } = model.graph;
  const layers = model.graph.nodes.filter(({ opType, domain }) => domain === '' && layerTypes.has(opType));
  return new Map(
    layers.map((node) => [node, endOf(node, { index, stops, isConstant: (name) => initializers.has(name) })]),
  );
}

interface ChainFacts {
  readonly index: GraphIndex;
  readonly stops: ReadonlySet<string>;
  readonly isConstant: (name: string) => boolean;
}

function endOf(node: GraphNode, { index, stops, isConstant }: ChainFacts): LayerEnd {
  let value = node.outputs[0] ?? '';
  let normalization: GraphNode | undefined;
  for (;;) {
    const [next, ...others] = index.consumersOf(value);
    if (next === undefined || others.length > 0 || stops.has(value)) break;
    const isBias = next.opType === 'Add' && next.inputs.some(isConstant);
    const isNormalization =
      normalization === undefined &&
      next.opType === 'BatchNormalization' &&
      next.inputs[0] === value &&
      next.inputs.slice(1).every(isConstant) &&
      intAttribute(next, 'training_mode', 0) === 0;
    if (!isBias && !isNormalization) break;
    if (isNormalization) normalization = next;
    value = next.outputs[0] ?? '';
  }
  return { value, normalization };
}
