import { formatAddress, resolveAddress, withUnit } from '../../onnx/addresses.js';
import type { Layer } from '../../onnx/layers/layer.js';
import { elementCountOf } from '../../onnx/tensorValue.js';
import { UserError } from '../../base/errors.js';
import type { UnitLinks, UnitTargets, UnitWeight } from '../../protocol/units.js';
import { type LayerWeight, layerWeight } from './layerWeight.js';
import { forEachElement } from './operandElements.js';
import { neuronWeight, type NeuronWeight } from './recurrentWeight.js';
import { readersOf, type UnitReader } from './unitReaders.js';
import type { WeightedModel } from './unitWeights.js';
import { noWeights } from './weightErrors.js';

/** Targets of each reader, and similar units, that are named. */
const namedCount = 20;

/** Readers that are looked into: a channel of a residual stream is read by all that follows. */
const maxReaderCount = 12;

/**
 * Returns what a unit's value is weighed with in the layers that read it, and which units of its layer have weights that point
 * in the same direction. Whole weights are read, a piece at a time.
 *
 * @throws UserError as `resolveAddress` does, `no-weights` for an address without a unit, and as reading the file does.
 */
export async function unitLinks(
  model: WeightedModel,
  { address: text }: { readonly address: string },
): Promise<UnitLinks> {
  const { layers: table, types } = model;
  const resolved = resolveAddress(text, table);
  const { address, unit, unitAxis, value } = resolved;
  if (unit === undefined || unitAxis === null) throw noWeights(address, 'it names no single neuron');
  const similar = await similarByWeights(model, address);
  const layer = table.byName.get(resolved.layer?.name ?? '');
  const { readers, outputs, ends } = readersOf({ value, unitAxis, unit, layer }, { table, types });
  const targets: UnitTargets[] = [];
  const unread = [...ends];
  for (const reader of readers.slice(0, maxReaderCount)) {
    const found = await targetsOf(reader, model);
    if (found === undefined) unread.push(reader.layer.name);
    else targets.push(found);
  }
  const moreReaderCount = Math.max(0, readers.length - maxReaderCount);
  return { address, targets, outputs, ends: unread, moreReaderCount, ...similar };
}

async function targetsOf(
  reader: UnitReader,
  { layers: table }: WeightedModel,
): Promise<UnitTargets | undefined> {
  const found = await weightsOutOf(reader, table);
  if (found === undefined) return undefined;
  const { values, weightsEach } = found;
  const { layer, through } = reader;
  return {
    layer: layer.name,
    through: [...through],
    unitCount: values.length,
    weightsEach,
    norm: Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)),
    strongest: strongestOf(layer, values),
  };
}

/** What the units of a layer weigh another unit with. */
export interface WeightsOut {
  /** For each unit of the reading layer; several weights as their length, signed by their sum. */
  readonly values: Float64Array;
  /** Weights that each of them has. */
  readonly weightsEach: number;
}

/**
 * Returns what every unit of a reading layer weighs the unit with; undefined where its weights are not by unit.
 *
 * @throws UserError as reading the file does.
 */
export async function weightsOutOf(
  { layer, inputs }: UnitReader,
  table: WeightedModel['layers'],
): Promise<WeightsOut | undefined> {
  const found = await orNone(layerWeight(layer, table));
  if (found === undefined || found.at.isLeft) return undefined;
  const values = await weightsAt(found, new Set(inputs));
  return { values, weightsEach: inputs.length * elementCountOf(found.layout.sliceDims.slice(1)) };
}

/** For every unit of a layer its weight at some inputs: the number itself, or the length of them with the sign of their sum. */
async function weightsAt(
  { operand, layout }: LayerWeight,
  inputs: ReadonlySet<number>,
): Promise<Float64Array> {
  const { unitCount, sliceDims } = layout;
  const kernelLength = elementCountOf(sliceDims.slice(1));
  const sums = new Float64Array(unitCount);
  const squares = new Float64Array(unitCount);
  await forEachElement(operand, (stored, flat) => {
    const unit = layout.unitOf(flat);
    const input = layout.firstInputOf(unit) + Math.floor(layout.placeOf(flat) / kernelLength);
    if (!inputs.has(input)) return;
    const value = stored * layout.factor;
    sums[unit] = (sums[unit] ?? 0) + value;
    squares[unit] = (squares[unit] ?? 0) + value * value;
  });
  const isOne = inputs.size === 1 && kernelLength === 1;
  return sums.map((sum, unit) => (isOne ? sum : Math.sign(sum) * Math.sqrt(squares[unit] ?? 0)));
}

function strongestOf({ name, unitCount }: Layer, values: Float64Array): UnitWeight[] {
  return [...values.keys()]
    .filter((unit) => values[unit] !== 0)
    .sort((a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0) || a - b)
    .slice(0, namedCount)
    .map((unit) => {
      const address = formatAddress({ layer: name, unit });
      return { from: address, ...(unitCount === null ? {} : { address }), value: values[unit] ?? NaN };
    });
}

/** The most alike by their weights; biases have no part in it. */
async function similarByWeights(
  model: WeightedModel,
  text: string,
): Promise<Pick<UnitLinks, 'similar' | 'whyNoSimilar'>> {
  const cosines = await cosinesOf(model, text);
  if (typeof cosines === 'string') return { similar: [], whyNoSimilar: cosines };
  const { unit, address } = resolveAddress(text, model.layers);
  const similar = [...cosines.keys()]
    .filter((other) => other !== unit && Number.isFinite(cosines[other]))
    .sort((a, b) => (cosines[b] ?? 0) - (cosines[a] ?? 0) || a - b)
    .slice(0, namedCount)
    .map((other) => ({
      address: withUnit(address, other),
      cosine: cosines[other] ?? NaN,
    }));
  return { similar, whyNoSimilar: null };
}

const noDirection = 'a unit of a normalisation has one weight, which has no direction';

/**
 * Returns the cosines of the incoming weights of a layer's units with those of one of them, or a reason why there are none.
 *
 * @throws UserError as `resolveAddress` and reading the file do.
 */
export async function cosinesOf(
  { layers: table }: WeightedModel,
  text: string,
): Promise<Float64Array | string> {
  try {
    const resolved = resolveAddress(text, table);
    const found = await neuronWeight(resolved, table);
    if (found.at.operands.kind === 'scale') return noDirection;
    return await cosinesWith(found, resolved.unit ?? 0);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'no-weights') throw error;
    return error.message;
  }
}

async function cosinesWith({ operand, layout }: NeuronWeight, unit: number): Promise<Float64Array> {
  const { unitCount, sliceDims } = layout;
  const slice = new Float64Array(elementCountOf(sliceDims));
  await forEachElement(operand, (value, flat) => {
    if (layout.unitOf(flat) === unit) slice[layout.placeOf(flat)] = value;
  });
  const products = new Float64Array(unitCount);
  const squares = new Float64Array(unitCount);
  await forEachElement(operand, (value, flat) => {
    const other = layout.unitOf(flat);
    products[other] = (products[other] ?? 0) + value * (slice[layout.placeOf(flat)] ?? 0);
    squares[other] = (squares[other] ?? 0) + value * value;
  });
  const own = Math.sqrt(squares[unit] ?? 0);
  return products.map((product, other) => product / (own * Math.sqrt(squares[other] ?? 0)));
}

async function orNone<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof UserError && error.code === 'no-weights') return undefined;
    throw error;
  }
}
