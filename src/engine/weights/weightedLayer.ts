import { formatAddress, type ResolvedAddress } from '../../onnx/addresses.js';
import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import { noWeights } from './weightErrors.js';

/**
 * Returns the layer whose weights make a neuron: its own, or that of the layer that feeds it when it is an activation.
 *
 * @throws UserError `no-weights` with the reason for everything else.
 */
export function weightedLayer(resolved: ResolvedAddress, table: LayerTable): Layer {
  const { address, unit = 0 } = resolved;
  if (resolved.kind === 'head') {
    throw noWeights(
      address,
      'a head is made of queries and keys, not of one row of weights; look at the projections of its attention',
    );
  }
  if (resolved.kind === 'hidden') {
    const activation = table.layers.find(
      ({ kind, output }) => kind === 'activation' && output === resolved.value,
    );
    if (activation !== undefined) return feederOf(activation, table, address);
    throw noWeights(
      address,
      `it is the product of two neurons (${factorsOf(resolved.value, table, unit)}), each with weights of its own`,
    );
  }
  const layer = resolved.layer === undefined ? undefined : table.byName.get(resolved.layer.name);
  if (layer === undefined) throw new Error(`${address} is of no layer.`);
  return ofLayer(layer, table, address);
}

function ofLayer(layer: Layer, table: LayerTable, address: string): Layer {
  switch (layer.kind) {
    case 'conv':
    case 'dense':
    case 'embedding':
    case 'normalization':
      return layer;
    case 'activation':
    case 'gate':
      return feederOf(layer, table, address);
    case 'scope':
    case 'block': {
      const inner = table.layers.find(
        (other) => other.kind !== 'scope' && other.kind !== 'block' && other.output === layer.output,
      );
      if (inner !== undefined) return ofLayer(inner, table, address);
      throw noWeights(address, 'it is what leaves a group of layers; choose a layer inside');
    }
    case 'recurrent':
      throw noWeights(address, 'a recurrent neuron has weights for each of its gates, and no single one');
    case 'attention':
      throw noWeights(address, 'its weight makes queries, keys and values together, and no neuron alone');
    case 'classifier':
    case 'regressor':
      throw noWeights(address, `a ${layer.operator} is one decision, not a row of neurons`);
  }
}

/** Values on the way from a layer to its activation: what the activation reads, back through what changes no neuron. */
function feederOf(activation: Layer, table: LayerTable, address: string): Layer {
  const fed = table.layers.filter(
    ({ name, states, kind }) =>
      name !== activation.name &&
      states.kind === 'activation' &&
      states.layer === activation.name &&
      kind !== 'scope' &&
      kind !== 'block',
  );
  const [first] = fed.filter(({ kind }) => kind !== 'normalization');
  const direct = table.layers.find(
    ({ output, kind }) => output === activation.input && kind !== 'scope' && kind !== 'block',
  );
  const feeder = first ?? fed[0] ?? direct;
  if (feeder !== undefined && feeder.kind !== 'activation') return ofLayer(feeder, table, address);
  throw noWeights(address, 'it is an activation whose input comes from no single layer with weights');
}

function factorsOf(value: string, { layers, views }: LayerTable, unit: number): string {
  const product = views[0]?.index.producerOf(value);
  const factors = layers.filter(({ output, kind }) => kind !== 'scope' && product?.inputs.includes(output));
  return factors.map(({ name }) => formatAddress({ layer: name, unit })).join(' and ');
}
