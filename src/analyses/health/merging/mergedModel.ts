import { loadTensor } from '../../../onnx/loadTensor.js';
import type { Model, Tensor } from '../../../onnx/model.js';
import { elementCountOf, toFloat64 } from '../../../onnx/tensorValue.js';
import type { UnitVectors } from './mergeSequence.js';
import type { MergeableLayer, UnitParameter } from './unitParameters.js';

/** Stored constants by name, as float64, normalisations folded into what stands before them. */
export type Parameters = ReadonlyMap<
  string,
  { readonly dims: readonly number[]; readonly values: Float64Array }
>;

/**
 * Reads every constant that merging units of these layers changes, and folds normalisations: w′ = s w, b′ = s b,
 * shift′ = shift − s · mean with s = scale/√(variance + ε), so that a normalisation is the identity but for its shift.
 *
 * @throws UserError when a constant's file is gone, too short or damaged.
 */
export async function readParameters(model: Model, layers: readonly MergeableLayer[]): Promise<Parameters> {
  const read = new Map<string, { dims: readonly number[]; values: Float64Array }>();
  for (const { parameters } of layers) {
    for (const { name } of parameters) {
      const tensor = model.graph.initializers.get(name);
      if (tensor === undefined || read.has(name)) continue;
      read.set(name, { dims: tensor.dims, values: toFloat64(await loadTensor(tensor)) });
    }
  }
  for (const layer of layers) foldNorm(layer, (name) => read.get(name)?.values ?? new Float64Array());
  return read;
}

function foldNorm(layer: MergeableLayer, valuesOf: (name: string) => Float64Array): void {
  const { norm, weight, bias, unitCount } = layer;
  if (norm === undefined) return;
  const [scale, shift] = [valuesOf(norm.scale), valuesOf(norm.shift)];
  const [mean, variance] = [valuesOf(norm.mean), valuesOf(norm.variance)];
  const factors = scale.map((value, unit) => value / Math.sqrt((variance[unit] ?? 0) + norm.epsilon));
  const weights = valuesOf(weight.name);
  const perUnit = weights.length / unitCount;
  for (let i = 0; i < weights.length; i++) {
    const unit = weight.axis === 0 ? Math.floor(i / perUnit) : i % unitCount;
    weights[i] = (weights[i] ?? 0) * (factors[unit] ?? 1);
  }
  const biases = bias === undefined ? undefined : valuesOf(bias.name);
  for (const [unit, factor] of factors.entries()) {
    shift[unit] = (shift[unit] ?? 0) - factor * (mean[unit] ?? 0);
    if (biases !== undefined) biases[unit] = (biases[unit] ?? 0) * factor;
  }
  scale.fill(1);
  mean.fill(0);
  // √(variance + ε) is 1.
  variance.fill(1 - norm.epsilon);
}

/** Returns what leads into each unit of a layer and what is read from it. */
export function unitVectorsOf(layer: MergeableLayer, parameters: Parameters): UnitVectors {
  const { norm, unitCount } = layer;
  const folded = new Set([norm?.scale, norm?.mean, norm?.variance]);
  const sideOf = (side: UnitParameter['side']): Float64Array =>
    rowsOf(
      layer.parameters.filter((parameter) => parameter.side === side && !folded.has(parameter.name)),
      { unitCount, parameters },
    );
  return { unitCount, incoming: sideOf('in'), outgoing: sideOf('out') };
}

function rowsOf(
  some: readonly UnitParameter[],
  { unitCount, parameters }: { readonly unitCount: number; readonly parameters: Parameters },
): Float64Array {
  const slices = some.map((parameter) => slicesOf(parameter, unitCount, parameters));
  const size = slices.reduce((total, slice) => total + slice.length / unitCount, 0);
  const rows = new Float64Array(unitCount * size);
  for (let unit = 0; unit < unitCount; unit++) {
    let at = unit * size;
    for (const slice of slices) {
      const length = slice.length / unitCount;
      rows.set(slice.subarray(unit * length, (unit + 1) * length), at);
      at += length;
    }
  }
  return rows;
}

/** A constant with the units in front: `[units, …]`. */
function slicesOf(
  { name, axis, perUnit }: UnitParameter,
  unitCount: number,
  parameters: Parameters,
): Float64Array {
  const { dims = [], values = new Float64Array() } = parameters.get(name) ?? {};
  const inner = elementCountOf(dims.slice(axis + 1)) * perUnit;
  const outer = elementCountOf(dims.slice(0, axis));
  const slices = new Float64Array(values.length);
  for (let unit = 0; unit < unitCount; unit++) {
    for (let o = 0; o < outer; o++) {
      const from = (o * unitCount + unit) * inner;
      slices.set(values.subarray(from, from + inner), (unit * outer + o) * inner);
    }
  }
  return slices;
}

/** Units of a layer that become one: the first unit of its cluster, by unit. */
export interface LayerClusters {
  readonly layer: MergeableLayer;
  readonly clusters: Int32Array;
}

/**
 * Returns the model with units merged: what leads into a cluster's units is averaged, what is read from them is added up.
 * Declared shapes of inner values are dropped, for sizes change.
 */
export function mergedModel(model: Model, parameters: Parameters, merged: readonly LayerClusters[]): Model {
  const values = new Map(parameters);
  const initializers = new Map(model.graph.initializers);
  for (const { layer, clusters } of merged) {
    for (const parameter of layer.parameters) {
      const before = values.get(parameter.name);
      if (before !== undefined) values.set(parameter.name, regrouped(before, parameter, clusters));
    }
    for (const { name, entry } of layer.reshapes) {
      const tensor = initializers.get(name);
      if (tensor !== undefined) initializers.set(name, freed(tensor, entry));
    }
  }
  for (const [name, { dims, values: elements }] of values) {
    const tensor = initializers.get(name);
    if (tensor === undefined) continue;
    const data = tensor.elementType === 'float64' ? elements : Float32Array.from(elements);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    initializers.set(name, { ...tensor, dims, source: { kind: 'inline', bytes } });
  }
  return { ...model, graph: { ...model.graph, initializers, valueInfo: new Map() } };
}

type Stored = Parameters extends ReadonlyMap<string, infer S> ? S : never;

function regrouped(
  { dims, values }: Stored,
  { axis, perUnit, side }: UnitParameter,
  clusters: Int32Array,
): Stored {
  const kept = [...clusters.keys()].filter((unit) => clusters[unit] === unit);
  const places = new Map(kept.map((unit, place) => [unit, place]));
  const sizes = new Float64Array(kept.length);
  for (const cluster of clusters) {
    const place = places.get(cluster) ?? 0;
    sizes[place] = (sizes[place] ?? 0) + 1;
  }
  const inner = elementCountOf(dims.slice(axis + 1)) * perUnit;
  const outer = elementCountOf(dims.slice(0, axis));
  const result = new Float64Array(outer * kept.length * inner);
  for (let o = 0; o < outer; o++) {
    for (const [unit, cluster] of clusters.entries()) {
      const place = places.get(cluster) ?? 0;
      const weight = side === 'in' ? 1 / (sizes[place] ?? 1) : 1;
      const [from, to] = [(o * clusters.length + unit) * inner, (o * kept.length + place) * inner];
      for (let i = 0; i < inner; i++) {
        result[to + i] = (result[to + i] ?? 0) + weight * (values[from + i] ?? 0);
      }
    }
  }
  return { dims: dims.with(axis, kept.length * perUnit), values: result };
}

/** The entry of a Reshape's target is left to be found. */
function freed(tensor: Tensor, entry: number): Tensor {
  if (tensor.source.kind !== 'inline') return tensor;
  const bytes = tensor.source.bytes.slice();
  new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(8 * entry, -1n, true);
  return { ...tensor, source: { kind: 'inline', bytes } };
}
