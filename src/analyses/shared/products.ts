import { type GraphView, graphViewsOf } from '../../onnx/layers/graphView.js';
import { behindShape } from '../../onnx/blocks/walks.js';
import { type GraphNode, intAttribute, type Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { elementCountOf } from '../../onnx/tensorValue.js';
import { sizesOf } from './targetPlan.js';

/** A convolution or matrix product of the main graph. */
export interface Product {
  readonly node: GraphNode;
  /** Multiply–accumulates a sample; padding counts as if it were multiplied. */
  readonly macCount: number;
  /** The values that are multiplied, as they are and before they were brought into shape. */
  readonly operands: readonly string[];
  /** The one that weights are multiplied with, and its axis that weights are laid along; undefined without weights. */
  readonly weighted: { readonly value: string; readonly unitAxis: number } | undefined;
}

/** Operators whose multiply–accumulates are counted. */
const productOperators: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Returns the values whose sizes `productsOf` needs. */
export function productValues(model: Model): string[] {
  return model.graph.nodes
    .filter(isProduct)
    .flatMap(({ inputs, outputs }) => [...inputs.slice(0, 2), outputs[0] ?? '']);
}

/**
 * Returns the products of a model's main graph with their multiply–accumulates a sample; those whose sizes are not known are
 * left out. `types` are those of a run on `rowCount` samples.
 */
export function productsOf(model: Model, types: TypeTable, rowCount: number): Product[] {
  const [view] = graphViewsOf(model);
  if (view === undefined) return [];
  return model.graph.nodes.filter(isProduct).flatMap((node) => {
    const macCount = macCountOf(node, types, view);
    if (macCount === undefined) return [];
    const computed = node.inputs.slice(0, 2).filter((input) => !view.constants.has(input));
    const operands = new Set(computed.flatMap((value) => [value, behindShape(view, value)]));
    const [value] = computed;
    const isWeighted = value !== undefined && computed.length === 1 && value === node.inputs[0];
    const weighted = isWeighted ? { value, unitAxis: node.opType.startsWith('Conv') ? 1 : -1 } : undefined;
    return [{ node, macCount: macCount / rowCount, operands: [...operands], weighted }];
  });
}

/** Multiply–accumulates, and how many of them have an operand that need not be multiplied. */
export interface SkippedMacs {
  readonly macCount: number;
  readonly skippedCount: number;
}

/** Returns how many multiply–accumulates could be skipped; `shareOf` gives the share of a value's elements that need none. */
export function skippedMacs(
  products: readonly Product[],
  shareOf: (value: string) => number | undefined,
): SkippedMacs {
  let [macCount, skippedCount] = [0, 0];
  for (const product of products) {
    const shares = product.operands.map((value) => shareOf(value) ?? 0);
    macCount += product.macCount;
    skippedCount += product.macCount * Math.max(0, ...shares);
  }
  return { macCount, skippedCount };
}

function isProduct({ domain, opType }: GraphNode): boolean {
  return domain === '' && productOperators.has(opType);
}

function macCountOf(node: GraphNode, types: TypeTable, view: GraphView): number | undefined {
  const dimsOf = (value = ''): readonly number[] | undefined =>
    sizesOf(types.get(value)) ?? view.graph.initializers.get(value)?.dims;
  const [left, right, output] = [node.inputs[0], node.inputs[1], node.outputs[0]].map(dimsOf);
  if (left === undefined || right === undefined || output === undefined) return undefined;
  switch (node.opType) {
    // Each output takes C_in/groups · kernel products, each input of a transposed one gives C_out/groups · kernel.
    case 'Conv':
      return elementCountOf(output) * elementCountOf(right.slice(1));
    case 'ConvTranspose':
      return elementCountOf(left) * elementCountOf(right.slice(1));
    case 'Gemm':
      return elementCountOf(output) * (left[intAttribute(node, 'transA', 0) === 0 ? 1 : 0] ?? 0);
    default:
      return elementCountOf(output) * (left.at(-1) ?? 0);
  }
}
