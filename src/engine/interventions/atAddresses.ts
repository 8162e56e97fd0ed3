import { resolveAddress, type ResolvedAddress } from '../../onnx/addresses.js';
import { finalStateOf, finalStateRank } from '../../onnx/layers/finalState.js';
import type { LayerTable } from '../../onnx/layers/layer.js';
import { bodiesOf, type Graph, type Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import type { Intervention } from '../rewrites/intervene.js';
import { weightedLayer } from '../weights/weightedLayer.js';
import { type WeightLayout, weightLayoutOf, weightNodeOf } from '../weights/weightLayout.js';
import type { ActivationFunction } from './activationFunctions.js';
import type { Change } from './change.js';
import { cannotIntervene } from './interventionErrors.js';
import type { Region } from './selection.js';

/** The model that addresses are of. */
export interface AddressContext {
  readonly model: Model;
  readonly table: LayerTable;
  /** Types of the model's values. */
  readonly types: TypeTable;
}

/**
 * Returns the interventions that change what all the addresses select, together: one for each value, an element counting once
 * however many addresses it is in. Units of a recurrent layer are changed in what it hands on, the last state too; within it they go
 * on from step to step.
 *
 * @throws UserError as `resolveAddress`, and `cannot-intervene` inside functions, where a rank is not known,
 * and where several bodies make a value of one name.
 */
export function interventionsAt(
  addresses: readonly string[],
  change: Change,
  context: AddressContext,
): readonly Intervention[] {
  const byValue = new Map<string, { rank: number; whereAny: Region[] }>();
  const select = (value: string, rank: number, region: Region): void => {
    const known = byValue.get(value) ?? { rank, whereAny: [] };
    byValue.set(value, known);
    known.whereAny.push(region);
  };
  for (const address of addresses) {
    const resolved = resolveAddress(address, context.table);
    select(resolved.value, rankOf(resolved, context), regionOf(resolved));
    const state = finalStateAt(resolved, context);
    if (state !== undefined) select(state.value, finalStateRank, state.region);
  }
  return [...byValue].map(([value, { rank, whereAny }]) => ({ value, rank, change, whereAny }));
}

/**
 * Returns the intervention that puts another activation function in an activation's place, at its units and positions.
 *
 * @throws UserError as `interventionsAt`, and `cannot-intervene` where the address is of no activation.
 */
export function activationSwapAt(
  address: string,
  by: ActivationFunction,
  context: AddressContext,
): readonly Intervention[] {
  const resolved = resolveAddress(address, context.table);
  const layer = context.table.byName.get(resolved.name);
  if (layer?.kind !== 'activation' && layer?.kind !== 'gate') {
    throw cannotIntervene(address, 'it is no activation, so there is no function to replace');
  }
  if (layer.input === null) throw cannotIntervene(address, 'what enters it is not known');
  return interventionsAt([address], { kind: 'activation', input: layer.input, by }, context);
}

/**
 * Returns the intervention that changes the weights leading into a layer's unit, or all of the layer's; a tensor broadcasts
 * against the weight as it is stored.
 *
 * @throws UserError as `resolveAddress`, `no-weights`, and `cannot-intervene` where no axis of the weight counts units.
 */
export function weightInterventionAt(address: string, change: Change, context: AddressContext): Intervention {
  const { model, table } = context;
  const resolved = resolveAddress(address, table);
  const layer = weightedLayer(resolved, table);
  const found = weightNodeOf(layer, table.views);
  const value = found?.node.inputs[found.operands.weight] ?? '';
  const weight = model.graph.initializers.get(value);
  if (found === undefined || weight === undefined) {
    throw cannotIntervene(address, 'its weight is no constant of its own in the main graph');
  }
  const rank = weight.dims.length;
  if (resolved.unit === undefined) return { value, rank, change };
  const axis = unitAxisOf(weight.dims, weightLayoutOf(found, weight.dims, layer));
  if (axis === undefined) throw cannotIntervene(address, 'no single axis of its weight counts units');
  return { value, rank, change, where: [{ axis, indices: [resolved.unit] }] };
}

/** The axis along which a step is a step to the next unit, and no other axis leads to another. */
function unitAxisOf(dims: readonly number[], layout: WeightLayout): number | undefined {
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1));
  const counting = dims.flatMap((size, axis) =>
    size > 1 && layout.unitOf(strides[axis] ?? 0) !== 0 ? [axis] : [],
  );
  const [axis] = counting;
  return counting.length === 1 ? axis : undefined;
}

function rankOf(resolved: ResolvedAddress, { model, types }: AddressContext): number {
  const { address, value, isInBody } = resolved;
  if (isInBody) return rankInBody(resolved, model);
  const type = types.get(value);
  if (type?.kind !== 'tensor' || type.shape === null) {
    throw cannotIntervene(address, 'the rank of its value is not known; measure the model first');
  }
  return type.shape.length;
}

/** A value inside a body is changed by its name, which has to be its own. */
function rankInBody({ address, value, layer }: ResolvedAddress, model: Model): number {
  const count = bodiesThatMake(model.graph, value);
  if (count === 0) throw cannotIntervene(address, 'it is inside a function');
  if (count > 1) throw cannotIntervene(address, 'several bodies make a value of its name');
  const shape = layer?.shape;
  if (shape === undefined || shape === null) {
    throw cannotIntervene(address, 'the rank of its value inside the body is not known');
  }
  return shape.length;
}

function bodiesThatMake(graph: Graph, value: string): number {
  return graph.nodes
    .flatMap((node) => bodiesOf(node).map((body) => body.graph))
    .reduce((count, body) => {
      const isHere = body.nodes.some((node) => node.outputs.includes(value));
      return count + (isHere ? 1 : 0) + bodiesThatMake(body, value);
    }, 0);
}

/** The last state of a recurrent layer, which an address without a position means too. */
function finalStateAt(
  { value, unit, position }: ResolvedAddress,
  { table }: AddressContext,
): { readonly value: string; readonly region: Region } | undefined {
  if (position !== undefined) return undefined;
  const state = finalStateOf(value, table);
  const region = unit === undefined ? [] : [{ axis: finalStateRank - 1, indices: [unit] }];
  return state === undefined ? undefined : { value: state, region };
}

function regionOf({ unitAxis, unit, position, positionAxes, address }: ResolvedAddress): Region {
  const units = unit === undefined || unitAxis === null ? [] : [{ axis: unitAxis, indices: [unit] }];
  if (position === undefined) return units;
  if (positionAxes === null) {
    throw cannotIntervene(address, 'which axes are positions is not known; measure the model first');
  }
  const places = positionAxes.map((axis, index) => ({ axis, indices: [position[index] ?? 0] }));
  return [...units, ...places];
}
