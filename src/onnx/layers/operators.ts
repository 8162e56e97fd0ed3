import type { LayerKind } from '../../protocol/inspection.js';
import { type GraphNode, intAttribute, qualifiedOperator } from '../model.js';
import type { Constant } from './constants.js';

/** What makes an operator a layer. Operand numbers count from 0. */
export interface LayerOperator {
  readonly kind: LayerKind;
  /** The operand that is data. */
  readonly data: number;
  /** The operand that must be constant for the node to be a layer, and that names it; absent: needs none. */
  readonly weight?: number;
  /** Operands that hold parameters: weight, bias, scale. */
  readonly parameters?: readonly number[];
  /** Operands that hold buffers: statistics of a normalisation. */
  readonly buffers?: readonly number[];
  /** Axis of the output that counts units: from the front, from the end (negative), or null. */
  axis(node: GraphNode): number | null;
  /** Units, from the node and the shape of its weight; null where neither says. */
  units(node: GraphNode, weight: readonly number[] | null): number | null;
}

const isChannelsLast = (node: GraphNode): boolean => intAttribute(node, 'channels_last', 0) === 1;
const channelAxis = (node: GraphNode): number => (isChannelsLast(node) ? -1 : 1);
const lastAxis = (): number => -1;
const firstSize = (_node: GraphNode, weight: readonly number[] | null): number | null => weight?.[0] ?? null;
const lastSize = (_node: GraphNode, weight: readonly number[] | null): number | null =>
  weight?.at(-1) ?? null;
const unknownSize = (): null => null;
const noAxis = (): null => null;

function conv(weight: number, parameters: readonly number[]): LayerOperator {
  return { kind: 'conv', data: 0, weight, parameters, axis: channelAxis, units: firstSize };
}

function dense(weight: number, parameters: readonly number[]): LayerOperator {
  return { kind: 'dense', data: 0, weight, parameters, axis: lastAxis, units: lastSize };
}

function gemm(weight: number, parameters: readonly number[]): LayerOperator {
  const units = (node: GraphNode, dims: readonly number[] | null): number | null =>
    (intAttribute(node, 'transB', 0) === 1 ? dims?.[0] : dims?.at(-1)) ?? null;
  return { kind: 'dense', data: 0, weight, parameters, axis: lastAxis, units };
}

function recurrent(): LayerOperator {
  const units = (node: GraphNode): number | null => intAttribute(node, 'hidden_size', 0) || null;
  return { kind: 'recurrent', data: 0, weight: 1, parameters: [1, 2, 3, 7], axis: lastAxis, units };
}

function channelNorm(buffers: readonly number[] = []): LayerOperator {
  return { kind: 'normalization', data: 0, parameters: [1, 2], buffers, axis: channelAxis, units: firstSize };
}

function lastNorm(parameters: readonly number[]): LayerOperator {
  return { kind: 'normalization', data: 0, parameters, axis: lastAxis, units: lastSize };
}

function classical(kind: 'classifier' | 'regressor'): LayerOperator {
  return { kind, data: 0, axis: noAxis, units: unknownSize };
}

const convTranspose: LayerOperator = {
  ...conv(1, [1, 2]),
  units: (node, weight) => (weight?.[1] === undefined ? null : weight[1] * intAttribute(node, 'group', 1)),
};

const embedding: LayerOperator = { ...dense(0, [0]), kind: 'embedding', data: 1 };

const blockwise: LayerOperator = {
  ...dense(1, [1, 5]),
  units: (node) => intAttribute(node, 'N', 0) || null,
};

/** Operators that are layers when their weight is constant, activations and composites apart. */
export const layerOperators: Readonly<Record<string, LayerOperator>> = {
  Conv: conv(1, [1, 2]),
  ConvInteger: conv(1, [1]),
  QLinearConv: conv(3, [3, 8]),
  ConvTranspose: convTranspose,
  DeformConv: conv(1, [1, 3]),
  'com.microsoft:FusedConv': conv(1, [1, 2]),
  'com.microsoft:NhwcFusedConv': { ...conv(1, [1, 2]), axis: lastAxis },
  'com.microsoft:QLinearConv': conv(3, [3, 8]),
  Gemm: gemm(1, [1, 2]),
  'com.microsoft:FusedGemm': gemm(1, [1, 2]),
  'com.microsoft:QGemm': gemm(3, [3, 6]),
  MatMul: dense(1, [1]),
  MatMulInteger: dense(1, [1]),
  QLinearMatMul: dense(3, [3]),
  'com.microsoft:FusedMatMul': gemm(1, [1]),
  'com.microsoft:MatMulNBits': blockwise,
  'com.microsoft:DynamicQuantizeMatMul': dense(1, [1, 4]),
  'com.microsoft:MatMulIntegerToFloat': dense(1, [1, 6]),
  Gather: embedding,
  LSTM: recurrent(),
  GRU: recurrent(),
  RNN: recurrent(),
  BatchNormalization: channelNorm([3, 4]),
  InstanceNormalization: channelNorm(),
  GroupNormalization: { ...channelNorm(), units: unknownSize },
  LRN: { ...channelNorm(), parameters: [], units: unknownSize },
  MeanVarianceNormalization: { ...channelNorm(), parameters: [], units: unknownSize },
  LayerNormalization: lastNorm([1, 2]),
  RMSNormalization: lastNorm([1]),
  SimplifiedLayerNormalization: lastNorm([1]),
  'com.microsoft:LayerNormalization': lastNorm([1, 2]),
  'com.microsoft:SkipLayerNormalization': lastNorm([2, 3, 4]),
  'com.microsoft:SimplifiedLayerNormalization': lastNorm([1]),
  'com.microsoft:SkipSimplifiedLayerNormalization': lastNorm([2, 3]),
  'com.microsoft:Attention': { ...dense(1, [1, 2]), kind: 'attention' },
  'com.microsoft:EmbedLayerNormalization': { ...dense(2, [2, 3, 4, 5, 6]), kind: 'embedding' },
  'ai.onnx.ml:LinearClassifier': classical('classifier'),
  'ai.onnx.ml:SVMClassifier': classical('classifier'),
  'ai.onnx.ml:TreeEnsembleClassifier': classical('classifier'),
  'ai.onnx.ml:LinearRegressor': classical('regressor'),
  'ai.onnx.ml:SVMRegressor': classical('regressor'),
  'ai.onnx.ml:TreeEnsembleRegressor': classical('regressor'),
  'ai.onnx.ml:TreeEnsemble': classical('regressor'),
};

/** Lookup tables that are no embeddings: rotary angles and masks are gathered too. */
const tableName = /(^|[._/])(rope|rotary|cos|sin|freqs|inv_freq|mask|position_ids)([._/]|$)|cached/i;

/** Tells by its name whether a constant is a mask or a table of rotary angles or positions: computed, not trained. */
export function isLookupTable(name: string): boolean {
  return tableName.test(name);
}

/** Returns what makes this node a layer, with its weight; undefined when it is none. */
export function layerOperatorOf(
  node: GraphNode,
  constants: ReadonlyMap<string, Constant>,
): { readonly operator: LayerOperator; readonly weight: Constant | undefined } | undefined {
  const operator = layerOperators[qualifiedOperator(node)];
  if (operator === undefined) return undefined;
  if (constants.has(node.inputs[operator.data] ?? '')) return leftWeight(node, operator, constants);
  if (operator.weight === undefined) {
    return { operator, weight: constants.get(node.inputs[operator.parameters?.[0] ?? -1] ?? '') };
  }
  const weight = constants.get(node.inputs[operator.weight] ?? '');
  if (weight === undefined) return undefined;
  if (operator.kind === 'embedding' && node.opType === 'Gather' && !isEmbeddingTable(node, weight)) {
    return undefined;
  }
  return { operator, weight };
}

function isEmbeddingTable(node: GraphNode, table: Constant): boolean {
  const isFloat = /^(float|bfloat)/.test(table.elementType) || /^u?int[248]$/.test(table.elementType);
  return (
    isFloat && table.dims?.length === 2 && intAttribute(node, 'axis', 0) === 0 && !isLookupTable(table.origin)
  );
}

/** A product with its weight on the left counts its units on the second-last axis. */
function leftWeight(
  node: GraphNode,
  operator: LayerOperator,
  constants: ReadonlyMap<string, Constant>,
): { operator: LayerOperator; weight: Constant } | undefined {
  const weight = constants.get(node.inputs[0] ?? '');
  const isProduct = node.opType === 'MatMul' || node.opType === 'Gemm';
  if (!isProduct || weight === undefined || constants.has(node.inputs[1] ?? '')) return undefined;
  const isTransposed = node.opType === 'Gemm' && intAttribute(node, 'transA', 0) === 1;
  return {
    weight,
    operator: {
      ...operator,
      data: 1,
      weight: 0,
      parameters: node.opType === 'Gemm' ? [0, 2] : [0],
      axis: () => -2,
      units: (_node, dims) => (isTransposed ? dims?.at(-1) : dims?.at(-2)) ?? null,
    },
  };
}
