import { differentiate } from '../../../engine/gradients/differentiate.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { affineFrontier } from '../../../engine/rewrites/affineFrontier.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { topologicalOrder } from '../../../onnx/graphIndex.js';
import type { Model } from '../../../onnx/model.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { type CutModel, type CutValue, cutAt } from './cut.js';
import { backwardOf, notConnected, type PlanRequest } from './fieldPlan.js';
import { addSelection } from './selection.js';

/** Values whose gradients are summed along paths. */
export interface PathRequest extends Omit<PlanRequest, 'sites' | 'backward'> {
  /** Default the coordinates. */
  readonly sites?: readonly CutValue[];
}

/** A graph over the points of some paths: P paths with K points each. */
export interface AlongGraph {
  readonly model: Model;
  /** Inputs with both ends of the paths, by front value: `[P, 2, elements]`. */
  readonly endNames: readonly string[];
  /** Σₖ wₖ ∂f/∂site by site, `[P, 1, elements]`; undefined where f does not depend on the site. */
  readonly sums: readonly (string | undefined)[];
}

/** A graph over rows. */
export interface RowGraph {
  readonly model: Model;
  readonly inputNames: readonly string[];
  readonly outputs: readonly string[];
}

/** The graphs of Σₖ wₖ ∂f/∂site over straight paths. */
export interface PathPlan {
  /** Values through whose space the paths run: the last that are affine in the coordinates, or these themselves. */
  readonly front: readonly CutValue[];
  /** From the coordinates to the front; undefined where they are the same. */
  readonly toFront: RowGraph | undefined;
  readonly along: AlongGraph;
  /** From sums at the front, those that exist, to the coordinates; undefined where no gradient has to get there. */
  readonly pullBack: RowGraph | undefined;
}

/** Graph input with the parts of start and end in each point, `[K, 2]`. */
export const fractionsName = 'ni/fractions';

/** Graph input with the weight of each point, `[1, K]`. */
export const weightsName = 'ni/weights';

const float32Code = 1;

/**
 * Rewrites the model into graphs that sum gradients along straight paths.
 *
 * What is affine in the coordinates maps a straight path to a straight path, and its gradient is one linear map for all
 * points: it runs for the ends of a path and for the sum of its gradients, and not for every point.
 */
export function planPaths(request: PathRequest): PathPlan {
  const { model, types, selection, coordinates, gate } = request;
  const ends = [selection.value, ...(gate === undefined ? [] : [gate.value])];
  const sites = request.sites?.map(({ value }) => value) ?? [];
  const from = coordinates.map(({ value }) => value);
  const front = affineFrontier(model, { from, to: [...ends, ...sites], types }).map((value) =>
    cutValueOf(value, coordinates, types),
  );
  const isMoved = front.some(({ value }) => !from.includes(value));
  const along = planAlong(request, isMoved ? front : coordinates, isMoved && request.sites === undefined);
  if (!isMoved) return { front: coordinates, toFront: undefined, along, pullBack: undefined };
  return {
    front,
    toFront: planToFront(request, front),
    along,
    pullBack: request.sites === undefined ? planPullBack(request, front, along) : undefined,
  };
}

function cutValueOf(value: string, coordinates: readonly CutValue[], types: TypeTable): CutValue {
  const coordinate = coordinates.find((each) => each.value === value);
  if (coordinate !== undefined) return coordinate;
  const type = types.get(value);
  // The frontier holds float32 values with known rows only.
  const sizes = type?.kind === 'tensor' ? (type.shape ?? []) : [];
  return { value, elementType: 'float32', dims: sizes.slice(1).map(Number) };
}

function planToFront(request: PathRequest, front: readonly CutValue[]): RowGraph {
  const cut = cutAt(request.model, request.coordinates);
  const builder = new GraphBuilder(cut.model);
  const outputs = front.map(({ value }) => builder.cast(value, float32Code));
  builder.setOutputs(outputs);
  return { model: prune(builder.build(), outputs), inputNames: cut.inputNames, outputs };
}

/** Where gradients are only on their way to the coordinates, some of the front may be read without any (for its size). */
function planAlong(request: PathRequest, front: readonly CutValue[], isOnTheWay: boolean): AlongGraph {
  const cut = cutAt(request.model, front);
  const selecting = new GraphBuilder(cut.model);
  const selected = addSelection(selecting, request.selection);
  const sites = request.sites ?? front;
  const { model, scores } = backwardOf(selecting.build(), request, {
    sites: sites.map(({ value }) => value),
    selected,
    inputNames: cut.inputNames,
  });
  const gradients = sites.map(({ value }) => scores.get(value));
  const missing = gradients.indexOf(undefined);
  const isAnyFound = gradients.some((gradient) => gradient !== undefined);
  if (missing >= 0 && !(isOnTheWay && isAnyFound)) {
    throw notConnected(request.selection.value, sites[missing]?.value ?? '');
  }
  const { builder, endNames } = betweenEnds(model, cut, front);
  const sums = gradients.map((gradient, i) =>
    gradient === undefined
      ? undefined
      : sumOverPoints(builder, gradient, elementCountOf(sites[i]?.dims ?? [])),
  );
  const outputs = sums.filter((sum) => sum !== undefined);
  builder.setOutputs(outputs);
  return { model: prune(inOrder(builder.build()), outputs), endNames, sums };
}

/** Makes the inputs of the front out of both ends of paths: [K, 2] · [P, 2, elements], as rows. */
function betweenEnds(
  model: Model,
  cut: CutModel,
  front: readonly CutValue[],
): { readonly builder: GraphBuilder; readonly endNames: readonly string[] } {
  const inputs = model.graph.inputs.filter(({ name }) => !cut.inputNames.includes(name));
  const builder = new GraphBuilder({ ...model, graph: { ...model.graph, inputs } });
  const float = { kind: 'tensor', elementType: 'float32' } as const;
  const fractions = builder.addInput(fractionsName, { ...float, shape: [null, 2] });
  builder.addInput(weightsName, { ...float, shape: [1, null] });
  const endNames = cut.inputNames.map((name, i) => {
    const { dims } = front[i] ?? { dims: [] };
    const shape = [null, 2, elementCountOf(dims)];
    const ends = builder.addInput(builder.freshName(`ni/ends/${name}`), { ...float, shape });
    const points = builder.node('MatMul', [fractions, ends]);
    builder.node('Reshape', [points, builder.int64s([-1, ...dims])], { outputs: [name] });
    return ends;
  });
  return { builder, endNames };
}

/** [1, K] · [P, K, elements]: the weighted sum over the points of each path. */
function sumOverPoints(builder: GraphBuilder, gradient: string, elementCount: number): string {
  const pointCount = builder.node('Shape', [fractionsName], { attributes: { start: 0, end: 1 } });
  const shape = [builder.int64s([-1]), pointCount, builder.int64s([elementCount])];
  const byPath = builder.node('Reshape', [
    builder.cast(gradient, float32Code),
    builder.node('Concat', shape, { attributes: { axis: 0 } }),
  ]);
  return builder.node('MatMul', [weightsName, byPath]);
}

function planPullBack(request: PathRequest, front: readonly CutValue[], along: AlongGraph): RowGraph {
  const cut = cutAt(request.model, request.coordinates);
  const builder = new GraphBuilder(cut.model);
  const inputNames: string[] = [];
  const seeds = front.flatMap(({ value, dims }, i) => {
    if (along.sums[i] === undefined) return [];
    const type = { kind: 'tensor', elementType: 'float32', shape: [null, ...dims] } as const;
    const sum = builder.addInput(builder.freshName(`ni/sum/${value}`), type);
    inputNames.push(sum);
    return [{ value, cotangent: builder.node('CastLike', [sum, value]) }];
  });
  const wrt = request.coordinates.map(({ value }) => value);
  const { model, gradients } = differentiate(builder.build(), { seeds, wrt, types: request.types });
  const last = new GraphBuilder(model);
  const outputs = wrt.map((value) => {
    const gradient = gradients.get(value);
    if (gradient === undefined) throw notConnected(request.selection.value, value);
    return last.cast(gradient, float32Code);
  });
  last.setOutputs(outputs);
  return { model: prune(last.build(), outputs), inputNames: [...cut.inputNames, ...inputNames], outputs };
}

function inOrder(model: Model): Model {
  return { ...model, graph: { ...model.graph, nodes: topologicalOrder(model.graph).nodes } };
}
