import { UserError } from '../../../base/errors.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { neededNames, prune } from '../../../engine/rewrites/prune.js';
import { resolveAddress } from '../../../onnx/addresses.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { pickFeeds } from '../../shared/sweep.js';
import type { InvertedInput } from './inputs.js';
import { defaultLayerCount } from './settings.js';

/** A layer with its representation of the samples. */
export interface InvertedLayer {
  readonly name: string;
  /** Its value in the graph. */
  readonly value: string;
  /** Φ₀, [N, …]. */
  readonly representation: TensorValue;
}

/**
 * Returns the named layers, or some spread over the depth, from input to output, each with what it makes of the samples.
 *
 * @throws UserError as `resolveAddress` does, `layer-not-invertible` with the reason, `no-layers`.
 */
export async function readLayers(
  context: AnalysisContext,
  input: InvertedInput,
  named: string | null,
): Promise<readonly InvertedLayer[]> {
  const { model } = context;
  const table = layersOf(model, inferTypes(model, { keepsUnnamed: true }));
  const places = named === null ? spread(model, table, input.name) : namedPlaces(named, table);
  const values = await readValues(
    context,
    input,
    places.map(({ value }) => value),
  );
  const layers: InvertedLayer[] = [];
  for (const place of places) {
    const reason = whyNot(model, place, { input, value: values.get(place.value) });
    const representation = values.get(place.value);
    if (reason === undefined && representation !== undefined) layers.push({ ...place, representation });
    else if (named !== null) throw notInvertible(place.name, reason ?? 'its value is not there');
  }
  if (layers.length === 0) throw noLayers();
  return named === null ? some(layers) : layers;
}

type Place = Pick<InvertedLayer, 'name' | 'value'>;

const kinds: ReadonlySet<string> = new Set(['conv', 'dense', 'normalization', 'activation', 'classifier']);

/** Layers on the way from the input, one for each value; what is not read any further is the output. */
function spread(model: Model, { layers }: LayerTable, input: string): Place[] {
  const found = new Map<string, Place>();
  for (const { name, output, kind, isInBody } of layers) {
    if (!kinds.has(kind) || isInBody || found.has(output)) continue;
    if (neededNames(model.graph, [output]).has(input)) found.set(output, { name, value: output });
  }
  return [...found.values()];
}

/** The first, the last, and those that lie evenly between. */
function some(layers: readonly InvertedLayer[]): InvertedLayer[] {
  const count = Math.min(defaultLayerCount, layers.length);
  if (count === 1) return [...layers];
  return Array.from(
    { length: count },
    (_, i) => layers[Math.round((i * (layers.length - 1)) / (count - 1))],
  ).filter((layer) => layer !== undefined);
}

function namedPlaces(text: string, table: LayerTable): Place[] {
  return text.split(',').map((part) => {
    const { address, name, value, unit, isInBody } = resolveAddress(part, table);
    if (unit !== undefined) throw notInvertible(address, 'it names one unit, and whole layers are inverted');
    if (isInBody) throw notInvertible(address, 'it is inside an If, Loop or Scan body or a function');
    return { name, value };
  });
}

async function readValues(
  { model, runtime }: AnalysisContext,
  { feeds }: InvertedInput,
  names: readonly string[],
): Promise<ReadonlyMap<string, TensorValue>> {
  const unique = [...new Set(names)];
  const builder = new GraphBuilder(model);
  builder.setOutputs(unique);
  const session = await runtime.open(prune(builder.build(), unique), { purpose: 'probe' });
  try {
    return new Map(Object.entries(await session.run(pickFeeds(feeds, session))));
  } finally {
    await session.close();
  }
}

function whyNot(
  model: Model,
  { value: name }: Place,
  { input, value }: { readonly input: InvertedInput; readonly value: TensorValue | undefined },
): string | undefined {
  if (value?.dtype !== 'float32') return `its output holds ${value?.dtype ?? 'nothing'}, not float32 numbers`;
  if (value.dims.length < 2 || value.dims[0] !== input.dims[0]) {
    return `its output has shape [${value.dims.join(', ')}], whose first axis does not count samples`;
  }
  if (!neededNames(model.graph, [name]).has(input.name)) {
    return `it does not depend on the input ${input.name}`;
  }
  return undefined;
}

function notInvertible(layer: string, reason: string): UserError {
  return new UserError(
    'layer-not-invertible',
    `${layer} cannot be inverted: ${reason}. Choose another layer.`,
    {
      detail: { layer },
    },
  );
}

function noLayers(): UserError {
  return new UserError(
    'no-layers',
    'This model has no layer between its input and its outputs that could be inverted. Choose a model with convolutions, dense layers or activations in its main graph.',
  );
}
