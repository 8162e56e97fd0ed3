import type { ResolvedAddress } from '../../onnx/addresses.js';
import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import { elementCountOf } from '../../onnx/tensorValue.js';
import { type LayerWeight, layerWeight } from './layerWeight.js';
import { operandValues, storedOperand, type StoredOperand } from './storedOperand.js';
import { noWeights } from './weightErrors.js';
import { viewOf, type WeightLayout } from './weightLayout.js';
import { weightedLayer } from './weightedLayer.js';

/** The weights that lead into the units of a layer. */
export interface NeuronWeight extends Omit<LayerWeight, 'operand'> {
  readonly layer: Layer;
  /** Several one after the other, counted through. */
  readonly operand: StoredOperand | readonly StoredOperand[];
  /** Biases of recurrent layers, by row of their weights; absent where there are none. */
  readonly biasRows?: Float64Array;
  /** From this input on inputs are the layer's own units, one step before; absent where nothing recurs. */
  readonly firstOwnInput?: number;
}

/**
 * Returns the weights that lead into the neurons of an address.
 *
 * @throws UserError `no-weights` with the reason.
 */
export async function neuronWeight(
  resolved: ResolvedAddress,
  table: LayerTable,
  address = resolved.address,
): Promise<NeuronWeight> {
  const own = resolved.layer === undefined ? undefined : table.byName.get(resolved.layer.name);
  if (own?.kind === 'recurrent' && resolved.kind === 'layer') return recurrentWeight(own, table, address);
  const layer = weightedLayer(resolved, table);
  return { layer, ...(await layerWeight(layer, table, address)) };
}

/**
 * LSTM, GRU and RNN: W [directions, gates · H, inputs] and R [directions, gates · H, H]. A unit has a weight for every gate and
 * direction, from each input and from each unit one step before: `[inputs + H, directions · gates]`.
 */
async function recurrentWeight(layer: Layer, { views }: LayerTable, address: string): Promise<NeuronWeight> {
  const view = viewOf(layer, views);
  const node = layer.nodes.find(({ opType }) => /^(LSTM|GRU|RNN)$/.test(opType));
  if (view === undefined || node === undefined) throw noWeights(address, 'its weights are packed');
  const [fromInput, fromStep] = await Promise.all(
    [1, 2].map((place) => storedOperand(view, node.inputs[place] ?? '')),
  );
  if (fromInput === undefined || fromStep === undefined) {
    throw noWeights(address, `the weight of ${layer.name} is computed when the model runs, not stored`);
  }
  const biasRows = await operandValues(view, node.inputs[3]);
  return {
    ...{ layer, operand: [fromInput, fromStep] },
    ...(biasRows === undefined ? {} : { biasRows }),
    at: { view, node, operands: { weight: 1, kind: 'product' }, isLeft: false, biasNode: undefined },
    layout: recurrentLayout(fromInput.dims, fromStep.dims),
    firstOwnInput: fromInput.dims[2] ?? 0,
  };
}

function recurrentLayout(
  [directions = 1, rows = 0, inputCount = 0]: readonly number[],
  [, , unitCount = 1]: readonly number[],
): WeightLayout {
  const inputSize = elementCountOf([directions, rows, inputCount]);
  const each = (directions * rows) / unitCount;
  const rowOf = (flat: number): number =>
    Math.floor(flat < inputSize ? flat / inputCount : (flat - inputSize) / unitCount);
  const inputOf = (flat: number): number =>
    flat < inputSize ? flat % inputCount : inputCount + ((flat - inputSize) % unitCount);
  return {
    ...{ unitCount, factor: 1, biasFactor: 1, firstInputOf: () => 0 },
    sliceDims: [inputCount + unitCount, each],
    unitOf: (flat) => rowOf(flat) % unitCount,
    placeOf: (flat) => inputOf(flat) * each + Math.floor(rowOf(flat) / unitCount),
  };
}
