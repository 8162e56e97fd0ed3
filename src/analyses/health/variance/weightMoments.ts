import { UserError } from '../../../base/errors.js';
import { forEachElement } from '../../../engine/weights/operandElements.js';
import { layerWeight } from '../../../engine/weights/layerWeight.js';
import { operandValues } from '../../../engine/weights/storedOperand.js';
import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';

/** Moments of a layer's weights. */
export interface WeightMoments {
  readonly fanIn: number;
  readonly fanOut: number;
  readonly count: number;
  readonly mean: number;
  /** Mean of w². */
  readonly square: number;
  /** Mean of b²; 0 without biases. */
  readonly biasSquare: number;
}

/** Returns the moments of a layer's weights and biases; undefined where its weights cannot be read by unit. */
export async function weightMomentsOf(layer: Layer, table: LayerTable): Promise<WeightMoments | undefined> {
  try {
    const { operand, layout, at } = await layerWeight(layer, table);
    const sums = { count: 0, sum: 0, squares: 0 };
    await forEachElement(operand, (stored) => {
      const value = stored * layout.factor;
      sums.count++;
      sums.sum += value;
      sums.squares += value * value;
    });
    const fanIn = layout.sliceDims.reduce((product, size) => product * size, 1);
    const kernel = layout.sliceDims.slice(1).reduce((product, size) => product * size, 1);
    const added = at.biasNode?.inputs.find((input) => at.view.constants.has(input));
    const own = at.operands.bias === undefined ? undefined : at.node.inputs[at.operands.bias];
    const biases = (await operandValues(at.view, own)) ?? (await operandValues(at.view, added));
    const biasSquares = biases?.reduce((total, value) => total + value * value, 0) ?? 0;
    return {
      ...{ fanIn, fanOut: layout.unitCount * kernel, count: sums.count },
      ...{ mean: sums.sum / sums.count, square: sums.squares / sums.count },
      biasSquare: biases === undefined || biases.length === 0 ? 0 : biasSquares / biases.length,
    };
  } catch (error) {
    if (error instanceof UserError && error.code === 'no-weights') return undefined;
    throw error;
  }
}
