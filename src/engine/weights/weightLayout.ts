import type { GraphView } from '../../onnx/layers/graphView.js';
import type { Layer } from '../../onnx/layers/layer.js';
import { floatAttribute, type GraphNode, intAttribute, qualifiedOperator } from '../../onnx/model.js';
import { elementCountOf } from '../../onnx/tensorValue.js';
import { noWeights } from './weightErrors.js';

/** Which operands of an operator hold its weight, what it is scaled by, and its bias. */
export interface WeightOperands {
  readonly weight: number;
  readonly scale?: number;
  readonly zeroPoint?: number;
  readonly bias?: number;
  /** The bias is in steps of these scales multiplied. */
  readonly biasScales?: readonly number[];
  readonly kind: 'conv' | 'conv-transpose' | 'product' | 'table' | 'scale';
}

const conv: WeightOperands = { kind: 'conv', weight: 1, bias: 2 };
const product: WeightOperands = { kind: 'product', weight: 1, bias: 2 };
const norm: WeightOperands = { kind: 'scale', weight: 1, bias: 2 };
const quantised = { scale: 4, zeroPoint: 5, biasScales: [1, 4] } as const;

const operandsByOperator: Readonly<Record<string, WeightOperands>> = {
  Conv: conv,
  'com.microsoft:FusedConv': conv,
  DeformConv: { ...conv, bias: 3 },
  ConvInteger: { kind: 'conv', weight: 1, zeroPoint: 3 },
  QLinearConv: { kind: 'conv', weight: 3, ...quantised, bias: 8 },
  ConvTranspose: { ...conv, kind: 'conv-transpose' },
  Gemm: product,
  'com.microsoft:FusedGemm': product,
  MatMul: { kind: 'product', weight: 1 },
  'com.microsoft:FusedMatMul': { kind: 'product', weight: 1 },
  MatMulInteger: { kind: 'product', weight: 1, zeroPoint: 3 },
  QLinearMatMul: { kind: 'product', weight: 3, scale: 4, zeroPoint: 5 },
  'com.microsoft:QGemm': { kind: 'product', weight: 3, ...quantised, bias: 6 },
  'com.microsoft:DynamicQuantizeMatMul': { kind: 'product', weight: 1, scale: 2, zeroPoint: 3, bias: 4 },
  'com.microsoft:MatMulIntegerToFloat': { kind: 'product', weight: 1, scale: 3, zeroPoint: 5, bias: 6 },
  Gather: { kind: 'table', weight: 0 },
  BatchNormalization: norm,
  InstanceNormalization: norm,
  GroupNormalization: norm,
  LayerNormalization: norm,
  RMSNormalization: norm,
  SimplifiedLayerNormalization: norm,
  'com.microsoft:LayerNormalization': norm,
  'com.microsoft:SimplifiedLayerNormalization': norm,
};

/** The node of a layer that holds its weight, and where. */
export interface WeightNode {
  readonly view: GraphView;
  readonly node: GraphNode;
  readonly operands: WeightOperands;
  /** Whether the weight stands on the left of the product. */
  readonly isLeft: boolean;
  /** The Add behind the operator whose constant is the bias, if any. */
  readonly biasNode: GraphNode | undefined;
}

/** Returns the node that holds a layer's weight; undefined when its operator is not one whose weights are by unit. */
export function weightNodeOf(layer: Layer, views: readonly GraphView[]): WeightNode | undefined {
  const view = viewOf(layer, views);
  if (view === undefined) return undefined;
  for (const node of layer.nodes) {
    const operands = operandsByOperator[qualifiedOperator(node)];
    if (operands === undefined) continue;
    const isLeft =
      operands.kind === 'product' && operands.weight === 1 && !view.constants.has(node.inputs[1] ?? '');
    const biasNode = layer.nodes.find((other) => other !== node && other.opType === 'Add');
    return { view, node, operands: isLeft ? { ...operands, weight: 0 } : operands, isLeft, biasNode };
  }
  return undefined;
}

/** Returns the graph that a layer stands in. */
export function viewOf({ nodes: [first] }: Layer, views: readonly GraphView[]): GraphView | undefined {
  return first === undefined ? undefined : views.find(({ graph }) => graph.nodes.includes(first));
}

/** How the elements of a weight belong to units. */
export interface WeightLayout {
  readonly unitCount: number;
  /** `[inputs, …kernel]` of one unit. */
  readonly sliceDims: readonly number[];
  /** Number of the input that the first of a unit's inputs is: more than 0 in groups. */
  firstInputOf(unit: number): number;
  unitOf(flat: number): number;
  /** Place in the unit's slice. */
  placeOf(flat: number): number;
  /** Every weight counts times this (`alpha`). */
  readonly factor: number;
  /** The bias counts times this (`beta`). */
  readonly biasFactor: number;
}

/**
 * Returns how a weight of some shape belongs to the units of its layer.
 *
 * @throws UserError `no-weights` for shapes that have no axis of units.
 */
export function weightLayoutOf(
  { node, operands, isLeft }: WeightNode,
  dims: readonly number[],
  layer: Layer,
): WeightLayout {
  const one = { factor: 1, biasFactor: 1, firstInputOf: () => 0 };
  switch (operands.kind) {
    case 'conv':
      return { ...one, ...convLayout(dims, intAttribute(node, 'group', 1)) };
    case 'conv-transpose':
      return { ...one, ...transposedLayout(dims, intAttribute(node, 'group', 1)) };
    case 'table':
      return { ...one, ...columnLayout(dims) };
    case 'scale':
      return {
        ...one,
        unitCount: elementCountOf(dims),
        sliceDims: [1],
        unitOf: (flat) => flat,
        placeOf: () => 0,
        firstInputOf: (unit) => unit,
      };
    case 'product': {
      if (dims.length < 2) throw noWeights(layer.name, 'its weight is one row, with no axis of units');
      const isGemm = node.opType.endsWith('Gemm') || node.opType === 'FusedMatMul';
      const isTransposed = isGemm && intAttribute(node, isLeft ? 'transA' : 'transB', 0) === 1;
      // Units are the columns of a weight on the right, the rows of one on the left.
      const areColumns = isLeft === isTransposed;
      return {
        ...one,
        ...(areColumns ? columnLayout(dims) : rowLayout(dims)),
        factor: isGemm ? floatAttribute(node, 'alpha', 1) : 1,
        biasFactor: isGemm ? floatAttribute(node, 'beta', 1) : 1,
      };
    }
  }
}

type Places = Pick<WeightLayout, 'unitCount' | 'sliceDims' | 'unitOf' | 'placeOf'>;

/** `[M, C / groups, …kernel]`: the units of a group read its channels. */
function convLayout(dims: readonly number[], groups: number): Places & Pick<WeightLayout, 'firstInputOf'> {
  const [unitCount = 0, inputs = 0] = dims;
  const length = elementCountOf(dims.slice(1));
  return {
    unitCount,
    sliceDims: dims.slice(1),
    unitOf: (flat) => Math.floor(flat / length),
    placeOf: (flat) => flat % length,
    firstInputOf: (unit) => Math.floor(unit / (unitCount / groups)) * inputs,
  };
}

/** `[C, M / groups, …kernel]`. */
function transposedLayout(
  dims: readonly number[],
  groups: number,
): Places & Pick<WeightLayout, 'firstInputOf'> {
  const [channels = 0, perGroup = 0, ...kernel] = dims;
  const kernelLength = elementCountOf(kernel);
  const inputs = channels / groups;
  const groupOf = (flat: number): number => Math.floor(flat / (kernelLength * perGroup * inputs));
  return {
    unitCount: perGroup * groups,
    sliceDims: [inputs, ...kernel],
    unitOf: (flat) => groupOf(flat) * perGroup + (Math.floor(flat / kernelLength) % perGroup),
    placeOf: (flat) =>
      (Math.floor(flat / (kernelLength * perGroup)) % inputs) * kernelLength + (flat % kernelLength),
    firstInputOf: (unit) => Math.floor(unit / perGroup) * inputs,
  };
}

/** `[…, inputs, units]`; batches of weights are inputs of their own. */
function columnLayout(dims: readonly number[]): Places {
  const unitCount = dims.at(-1) ?? 0;
  return {
    unitCount,
    sliceDims: [elementCountOf(dims.slice(0, -1))],
    unitOf: (flat) => flat % unitCount,
    placeOf: (flat) => Math.floor(flat / unitCount),
  };
}

/** `[…, units, inputs]`. */
function rowLayout(dims: readonly number[]): Places {
  const inputs = dims.at(-1) ?? 0;
  const unitCount = dims.at(-2) ?? 0;
  const batches = elementCountOf(dims.slice(0, -2));
  return {
    unitCount,
    sliceDims: [batches * inputs],
    unitOf: (flat) => Math.floor(flat / inputs) % unitCount,
    placeOf: (flat) => Math.floor(flat / (inputs * unitCount)) * inputs + (flat % inputs),
  };
}
