import { scaleOperand } from '../../../engine/weights/scaleOperand.js';
import { operandValues } from '../../../engine/weights/storedOperand.js';
import { weightNodeOf } from '../../../engine/weights/weightLayout.js';
import type { GraphView } from '../../../onnx/layers/graphView.js';
import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';
import { type GraphNode, intAttribute, qualifiedOperator } from '../../../onnx/model.js';

/** What turns the residual stream into scores of the vocabulary. */
export interface Head {
  /** The unembedding. */
  readonly layer: Layer;
  readonly product: GraphNode;
  /** The normalisation in front of it, if any. */
  readonly norm: FinalNorm | undefined;
}

/** A normalisation as far as it scales directions. */
export interface FinalNorm {
  readonly name: string;
  /** [width]; undefined where none is stored. */
  readonly gain: Float64Array | undefined;
  /** Whether it takes the mean over units away, as LayerNorm does and RMSNorm does not. */
  readonly isCentred: boolean;
}

/** Products that other rows can be put into: the weights stay as the node reads them, quantised or not. */
const rowProducts: ReadonlySet<string> = new Set([
  'MatMul',
  'Gemm',
  'com.microsoft:FusedMatMul',
  'com.microsoft:MatMulNBits',
  'com.microsoft:DynamicQuantizeMatMul',
]);

/** Steps with a constant: temperatures and biases. */
const arithmetic: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div']);

/** Steps from the unembedding to the scores that keep the order of tokens: caps and shapes too. */
const scoreSteps: ReadonlySet<string> = new Set([
  ...arithmetic,
  ...['Identity', 'Cast', 'Tanh', 'Reshape', 'Squeeze', 'Unsqueeze'],
]);

/** Steps from the last normalisation to the unembedding that choose or shape, and keep the units. */
const shapingSteps: ReadonlySet<string> = new Set([
  ...['Identity', 'Cast', 'Dropout', 'Reshape', 'Squeeze', 'Unsqueeze', 'Slice', 'Gather'],
  ...['QuantizeLinear', 'DequantizeLinear'],
]);

const maxStepCount = 12;

/** Returns the unembedding that makes some scores, with the normalisation in front of it; undefined where none is found. */
export async function headOf(table: LayerTable, scores: string): Promise<Head | undefined> {
  const [view] = table.views;
  if (view === undefined) return undefined;
  const layer = layerBehind(view, scores, {
    steps: scoreSteps,
    find: (value) => table.layers.find(({ kind, output }) => kind === 'dense' && output === value),
  });
  const product = layer === undefined ? undefined : rowProductOf(layer, view);
  if (layer === undefined || product === undefined) return undefined;
  const norm = layerBehind(view, product.inputs[0] ?? '', {
    steps: shapingSteps,
    find: (value) => table.layers.find(({ kind, output }) => kind === 'normalization' && output === value),
  });
  return { layer, product, norm: norm === undefined ? undefined : await finalNorm(norm, table) };
}

/** Returns the product of a dense layer whose first operand are its rows; undefined where rows cannot be put into it. */
export function rowProductOf({ nodes }: Layer, { constants }: GraphView): GraphNode | undefined {
  const node = nodes.find((candidate) => rowProducts.has(qualifiedOperator(candidate)));
  const isOfRows = node !== undefined && !constants.has(node.inputs[0] ?? '');
  return isOfRows && intAttribute(node, 'transA', 0) === 0 ? node : undefined;
}

interface Walk {
  readonly steps: ReadonlySet<string>;
  readonly find: (value: string) => Layer | undefined;
}

function layerBehind(view: GraphView, from: string, { steps, find }: Walk): Layer | undefined {
  let value = from;
  for (let step = 0; step < maxStepCount; step++) {
    const layer = find(value);
    if (layer !== undefined) return layer;
    const node = view.index.producerOf(value);
    if (node?.domain !== '' || !steps.has(node.opType)) return undefined;
    const [first = '', ...others] = node.inputs;
    const isAround = view.constants.has(first);
    // A sum or product of two computed values is no step: either could be what is looked for.
    if (arithmetic.has(node.opType) && !isAround && !others.every((other) => view.constants.has(other))) {
      return undefined;
    }
    value = isAround ? (others[0] ?? '') : first;
  }
  return undefined;
}

async function finalNorm(layer: Layer, { views }: LayerTable): Promise<FinalNorm> {
  const isCentred = /LayerNorm/.test(layer.operator) && !/Simplified/.test(layer.operator);
  const at = weightNodeOf(layer, views) ?? scaleOperand(layer, views);
  const skip = layer.nodes.find(({ opType }) => opType.startsWith('Skip'));
  const operand = at === undefined ? skip?.inputs[2] : at.node.inputs[at.operands.weight];
  const view = at?.view ?? views[0];
  const gain = view === undefined ? undefined : await operandValues(view, operand);
  return { name: layer.name, gain, isCentred };
}
