import { forEachElement } from '../../../engine/weights/operandElements.js';
import { layerWeight } from '../../../engine/weights/layerWeight.js';
import { UserError } from '../../../base/errors.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import { elementCountOf, float32Tensor, type TensorValue } from '../../../onnx/tensorValue.js';
import type { Mlp } from '../../../protocol/structure.js';

/** A feed-forward block, with what each of its neurons writes: the neuron's activation times its row of `weight`. */
export interface FeedForward {
  /** Scope of the block: `blocks.3.mlp`. */
  readonly name: string;
  /** Name of the dense layer that reads the neurons. */
  readonly down: string;
  /** Value that holds the neurons' activations, on its last axis. */
  readonly hidden: string;
  readonly unitCount: number;
  /** [U, D]. */
  readonly weight: TensorValue;
  /** ‖w_down,i‖ by neuron, [U]. */
  readonly norms: TensorValue;
}

/** Blocks that can be measured, and why others cannot. */
export interface FeedForwards {
  readonly blocks: readonly FeedForward[];
  readonly warnings: readonly string[];
}

/**
 * Returns the feed-forward blocks of the main graph with the weights that their neurons write with, dequantised.
 *
 * @throws UserError `no-feed-forward` when there is none whose weights can be read.
 */
export async function feedForwardsOf(table: LayerTable, path: string): Promise<FeedForwards> {
  const blocks: FeedForward[] = [];
  const warnings: string[] = [];
  for (const mlp of table.mlps) {
    const block = await blockOf(mlp, table);
    if (typeof block === 'string') warnings.push(`${mlp.name} was left as it is: ${block}`);
    else blocks.push(block);
  }
  if (blocks.length > 0) return { blocks, warnings };
  throw new UserError(
    'no-feed-forward',
    `${path} has no feed-forward block (dense layer, activation, dense layer) whose neurons could be truncated.${warnings.length === 0 ? '' : ` ${warnings.join(' ')}`} Choose the method zero, or a model with such blocks.`,
    { detail: { path } },
  );
}

async function blockOf(mlp: Mlp, table: LayerTable): Promise<FeedForward | string> {
  const layer = table.byName.get(mlp.downProjection);
  if (layer === undefined) return `there is no layer ${mlp.downProjection}.`;
  let found;
  try {
    found = await layerWeight(layer, table);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  const { at, layout, operand } = found;
  const unitCount = elementCountOf(layout.sliceDims);
  if (at.operands.kind !== 'product' || at.isLeft || layout.sliceDims.length !== 1) {
    return `${layer.name} does not multiply its neurons by one matrix.`;
  }
  const width = layout.unitCount;
  const weight = new Float32Array(unitCount * width);
  const squares = new Float64Array(unitCount);
  await forEachElement(operand, (stored, flat) => {
    const value = stored * layout.factor;
    const neuron = layout.placeOf(flat);
    weight[neuron * width + layout.unitOf(flat)] = value;
    squares[neuron] = (squares[neuron] ?? 0) + value * value;
  });
  return {
    name: mlp.name,
    down: layer.name,
    hidden: mlp.hidden,
    unitCount,
    weight: { dtype: 'float32', dims: [unitCount, width], data: weight },
    norms: float32Tensor([...squares.map(Math.sqrt)], [unitCount]),
  };
}
