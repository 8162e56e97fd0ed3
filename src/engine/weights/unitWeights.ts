import { formatAddress, resolveAddress } from '../../onnx/addresses.js';
import { unitOutOfRange } from '../../onnx/addressErrors.js';
import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { elementCountOf } from '../../onnx/tensorValue.js';
import type { UnitHistogram, UnitWeight, UnitWeights } from '../../protocol/units.js';
import { edgesOf } from '../numeric/histogram.js';
import { Spread } from '../numeric/spread.js';
import { forEachElement } from './operandElements.js';
import { neuronWeight, type NeuronWeight } from './recurrentWeight.js';
import { operandValues } from './storedOperand.js';
import { noWeights } from './weightErrors.js';
import type { WeightLayout, WeightNode } from './weightLayout.js';
import { type Origins, originsOf } from './weightOrigins.js';

/** A model as its weights are read from it. */
export interface WeightedModel {
  readonly layers: LayerTable;
  readonly types: TypeTable;
}

/** Weights named one by one, and kernels drawn. */
const largestCount = 20;
const kernelCount = 64;
const binCount = 20;

/**
 * Returns the weights that lead into a neuron. The whole weight of its layer is read once, a piece at a time, because the
 * neuron's rank is among all; of it only the neuron's slice is kept.
 *
 * @throws UserError as `resolveAddress` does, `no-weights` with the reason, and as reading the file does.
 */
export async function unitWeights(
  { layers: table, types }: WeightedModel,
  { address: text }: { readonly address: string },
): Promise<UnitWeights> {
  const resolved = resolveAddress(text, table);
  const { address, unit } = resolved;
  if (unit === undefined) {
    throw noWeights(
      address,
      `it names no single neuron; add its number, as in ${formatAddress({ layer: resolved.name, unit: 0 })}`,
    );
  }
  const found = await neuronWeight(resolved, table, address);
  const { layer, layout } = found;
  if (unit >= layout.unitCount) throw unitOutOfRange(layer.name, unit, layout.unitCount);
  const { slice, norms } = await readSlice(found, unit);
  const inputs = layout.sliceDims[0] ?? 1;
  const origins = originsFor(found, { table, types });
  const kernelDims = layout.sliceDims.slice(1);
  const first = layout.firstInputOf(unit);
  const norm = norms[unit] ?? NaN;
  return {
    address,
    layer: layer.name,
    dims: layout.sliceDims,
    count: slice.length,
    bias: await biasOf(found, unit),
    ...biasesOf(found, unit),
    norm,
    normRank: 1 + norms.reduce((longer, other) => longer + (other > norm ? 1 : 0), 0),
    unitCount: layout.unitCount,
    positiveShare: slice.reduce((count, value) => count + (value > 0 ? 1 : 0), 0) / slice.length,
    histogram: histogramOf(slice),
    largest: largestOf(slice, inputs, (input) => origins(first + input)),
    ...kernelsOf(slice, kernelDims, (input) => origins(first + input).from),
  };
}

async function readSlice(
  { operand, layout }: NeuronWeight,
  unit: number,
): Promise<{ readonly slice: Float64Array; readonly norms: Float64Array }> {
  const squares = new Float64Array(layout.unitCount);
  const slice = new Float64Array(elementCountOf(layout.sliceDims));
  await forEachElement(operand, (stored, flat) => {
    const value = stored * layout.factor;
    const at = layout.unitOf(flat);
    squares[at] = (squares[at] ?? 0) + value * value;
    if (at === unit) slice[layout.placeOf(flat)] = value;
  });
  return { slice, norms: squares.map(Math.sqrt) };
}

/** The bias of one unit, from the operator and from an Add behind it; null without either. */
async function biasOf({ at, layout }: NeuronWeight, unit: number): Promise<number | null> {
  const { view, node, operands, biasNode } = at;
  const own = operands.bias === undefined ? undefined : await operandValues(view, node.inputs[operands.bias]);
  const step = await biasStep(at, unit);
  const added = biasNode === undefined ? undefined : await addedConstant(at);
  const values = [
    own === undefined ? undefined : valueFor(own, unit, layout, layout.biasFactor * step),
    added === undefined ? undefined : valueFor(added, unit, layout, 1),
  ];
  const parts = values.filter((value) => value !== undefined);
  return parts.length === 0 ? null : parts.reduce((sum, part) => sum + part, 0);
}

/** Rows are those of a gate after the other; a unit has one in each. */
function biasesOf({ biasRows, layout }: NeuronWeight, unit: number): Pick<UnitWeights, 'biases'> {
  if (biasRows === undefined) return {};
  return { biases: [...biasRows].filter((_, row) => row % layout.unitCount === unit) };
}

/** Quantised biases count in steps of the input's scale times the weight's. */
async function biasStep({ view, node, operands }: WeightNode, unit: number): Promise<number> {
  let step = 1;
  for (const place of operands.biasScales ?? []) {
    const scale = await operandValues(view, node.inputs[place]);
    step *= scale?.[scale.length === 1 ? 0 : unit] ?? NaN;
  }
  return step;
}

async function addedConstant({ view, biasNode }: WeightNode): Promise<Float64Array | undefined> {
  const name = biasNode?.inputs.find((input) => view.constants.has(input));
  return operandValues(view, name);
}

/** A bias that is not one number for each unit, as Gemm allows, is none of a unit. */
function valueFor(
  values: Float64Array,
  unit: number,
  { unitCount }: WeightLayout,
  factor: number,
): number | undefined {
  const value = values.length === 1 ? values[0] : values.length === unitCount ? values[unit] : undefined;
  return value === undefined ? undefined : value * factor;
}

function originsFor(
  { at, layout, layer, firstOwnInput }: NeuronWeight,
  context: { readonly table: LayerTable; readonly types: TypeTable },
): Origins {
  if (firstOwnInput !== undefined) {
    const outer = originsOf(layer, firstOwnInput, { ...context, view: at.view });
    return (input) => (input < firstOwnInput ? outer(input) : stepBefore(layer, input - firstOwnInput));
  }
  if (at.operands.kind === 'table') return (input) => ({ from: `id ${input}` });
  // A weight on the left mixes the places of what it is multiplied with, whatever their units are.
  if (at.isLeft) return (input) => ({ from: `input ${input}` });
  const [inputs = 1] = layout.sliceDims;
  const groupCount =
    at.operands.kind === 'scale' ? layout.unitCount : 1 + layout.firstInputOf(layout.unitCount - 1) / inputs;
  return originsOf(layer, at.operands.kind === 'scale' ? layout.unitCount : groupCount * inputs, {
    ...context,
    view: at.view,
  });
}

function stepBefore({ name }: Layer, unit: number): Omit<UnitWeight, 'value'> {
  const address = formatAddress({ layer: name, unit });
  return { from: `${address} one step before`, address };
}

function histogramOf(slice: Float64Array): UnitHistogram {
  const spread = new Spread(slice.length);
  spread.add(slice, 1);
  const histogram = spread.histogram(binCount);
  const evidence = { kind: 'measured', n: slice.length } as const;
  if (histogram === undefined) return { edges: [], counts: [], evidence };
  return { edges: edgesOf(histogram), counts: [...histogram.counts], evidence };
}

/** Each input's weight, or its kernel's length with the sign of its sum; the largest by size first. */
function largestOf(slice: Float64Array, inputs: number, origins: Origins): UnitWeight[] {
  const kernelLength = slice.length / Math.max(1, inputs);
  const values = Array.from({ length: inputs }, (_, input) => {
    const kernel = slice.subarray(input * kernelLength, (input + 1) * kernelLength);
    return kernel.length === 1 ? (kernel[0] ?? NaN) : signedLength(kernel);
  });
  return [...values.keys()]
    .sort((a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0) || a - b)
    .slice(0, largestCount)
    .map((input) => ({ ...origins(input), value: values[input] ?? NaN }));
}

function signedLength(kernel: Float64Array): number {
  const sum = kernel.reduce((total, value) => total + value, 0);
  const length = Math.sqrt(kernel.reduce((total, value) => total + value * value, 0));
  return sum < 0 ? -length : length;
}

/** Kernels of one or two axes that are more than one number. */
function kernelsOf(
  slice: Float64Array,
  dims: readonly number[],
  nameOf: (input: number) => string,
): Pick<UnitWeights, 'kernels'> {
  const length = elementCountOf(dims);
  if (dims.length === 0 || dims.length > 2 || length === 1) return {};
  const width = dims.at(-1) ?? 1;
  const count = Math.min(kernelCount, slice.length / length);
  return {
    kernels: Array.from({ length: count }, (_, input) => ({
      from: nameOf(input),
      width,
      height: length / width,
      values: [...slice.subarray(input * length, (input + 1) * length)],
    })),
  };
}
