import {
  bodiesOf,
  type Graph,
  type GraphNode,
  type Model,
  type Tensor,
  type ValueType,
} from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { readsOf } from '../../../onnx/graphIndex.js';
import { neededNames } from '../../rewrites/prune.js';
import { extendTypes } from '../extendTypes.js';
import type { RuleContext, Seed } from '../gradientRule.js';
import { formUnsupported } from '../gradientErrors.js';
import { bodyModel, type TypedBody } from './bodyModel.js';
import { Renamer } from '../../graph/renamer.js';

/** What of a body is differentiated, by what. */
export interface BodyRequest extends TypedBody {
  /** Values of the body with names of their cotangents, which no graph uses yet. */
  readonly seeds: readonly Seed[];
  /** Inputs of the body and captured values. */
  readonly wrt: readonly string[];
  /** Whether the body runs several times in one run: what follows from captured values alone is not saved every time. */
  readonly isLoop: boolean;
}

/** A value of the forward body that the backward pass reads. */
export interface SavedValue {
  /** Its name in the forward body. */
  readonly value: string;
  /** Its name in the backward nodes; no other graph has it. */
  readonly name: string;
  readonly type: Extract<ValueType, { kind: 'tensor' }>;
}

/** The two halves of a differentiated body. */
export interface BodyGradient {
  /** The body as it runs forward; it makes every saved value that is no input of it. */
  readonly forward: Graph;
  readonly saved: readonly SavedValue[];
  /** Nodes of the backward pass under names that no other graph has. */
  readonly nodes: readonly GraphNode[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Name of the gradient per `wrt` value; one that no seed depends on is missing. */
  readonly gradients: ReadonlyMap<string, string>;
}

/**
 * Differentiates a body and splits the result: what its own outputs need runs forward, the rest runs backward on saved
 * values.
 *
 * Constants, and in loops what follows from captured values alone, are made anew in the backward pass, not saved.
 *
 * @throws UserError what `differentiate` throws, and `gradient-form-unsupported` for a saved value that is no tensor.
 */
export function differentiateBody(context: RuleContext, request: BodyRequest): BodyGradient {
  const { body, seeds, wrt } = request;
  const { model, types } = bodyModel(context, request);
  const seeded = withCotangents(model, seeds, types);
  const result = context.differentiate(seeded, { seeds, wrt, types });
  const split = splitNodes(result.model.graph, body, result.gradients.values());
  const saved = savedNames(split, request);
  const freshName = (hint: string): string => context.builder.freshName(hint);
  const known = new Set(allNames(body));
  const forwardNames = new Renamer({ freshName, keeps: (name) => known.has(name) });
  const backwardNames = new Renamer({ freshName, keeps: () => false });
  const constants = constantsOf(result.model.graph, capturedConstants(model.graph, body));
  // Names of constants are settled before the nodes that read them are renamed.
  const added = forwardNames.initializers(
    constants(split.forward).filter(({ name }) => !body.initializers.has(name)),
  );
  const forwardNodes = forwardNames.nodes(split.forward);
  const savedTypes = typesAfter(result.model, types, saved.names);
  const savedValues = saved.names.map((value): SavedValue => ({
    value: forwardNames.nameOf(value),
    name: backwardNames.define(value),
    type: savedType(context, value, savedTypes.get(value)),
  }));
  const backward = [...saved.remade, ...split.backward];
  const initializers = backwardNames.initializers(constants(backward));
  return {
    forward: {
      ...body,
      nodes: forwardNodes,
      initializers: new Map([...body.initializers, ...added]),
    },
    saved: savedValues,
    nodes: backwardNames.nodes(backward),
    initializers,
    gradients: new Map([...result.gradients].map(([value, name]) => [value, backwardNames.nameOf(name)])),
  };
}

function withCotangents(model: Model, seeds: readonly Seed[], types: TypeTable): Model {
  const cotangents = seeds.map(({ value, cotangent }) => ({
    name: cotangent,
    type: shapeless(types.get(value) ?? { kind: 'unknown' }),
    metadata: new Map<string, string>(),
  }));
  return { ...model, graph: { ...model.graph, inputs: [...model.graph.inputs, ...cotangents] } };
}

/** Types of saved values; nodes inside may have been given outputs, which are typed once more. */
function typesAfter(model: Model, types: TypeTable, saved: readonly string[]): TypeTable {
  return saved.every((name) => types.has(name)) ? types : extendTypes(model, types);
}

function shapeless(type: ValueType): ValueType {
  return type.kind === 'tensor' ? { ...type, shape: null } : type;
}

interface SplitNodes {
  readonly forward: readonly GraphNode[];
  readonly backward: readonly GraphNode[];
  /** Gradients, which the backward pass hands out. */
  readonly handedOut: ReadonlySet<string>;
}

function splitNodes(graph: Graph, body: Graph, gradients: Iterable<string>): SplitNodes {
  const forward = neededNames(
    graph,
    body.outputs.map((output) => output.name),
  );
  const handedOut = new Set(gradients);
  const backward = neededNames(graph, [...handedOut]);
  const isForward = (node: GraphNode): boolean => node.outputs.some((output) => forward.has(output));
  return {
    forward: graph.nodes.filter(isForward),
    backward: graph.nodes.filter(
      (node) => !isForward(node) && node.outputs.some((output) => backward.has(output)),
    ),
    handedOut,
  };
}

/** Which values of the forward body the backward pass is given, and which forward nodes it runs again. */
function savedNames(
  { forward, backward, handedOut }: SplitNodes,
  request: BodyRequest,
): { readonly names: readonly string[]; readonly remade: readonly GraphNode[] } {
  const makers = new Map(forward.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const inputs = new Set(request.body.inputs.map((input) => input.name));
  const remakable = remakableNodes(forward, makers, request);
  const names = new Set<string>();
  const remade = new Set<GraphNode>();
  const open = [...new Set([...backward.flatMap((node) => [...readsOf(node)]), ...handedOut])];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const maker = makers.get(name);
    if (maker === undefined && !inputs.has(name)) continue;
    if (maker === undefined || !remakable.has(maker)) names.add(name);
    else if (!remade.has(maker)) {
      remade.add(maker);
      open.push(...readsOf(maker));
    }
  }
  return { names: [...names], remade: forward.filter((node) => remade.has(node)) };
}

/**
 * Constants are made again, and in a loop what follows from captured values alone, which would be saved every time; also
 * what an If or Loop in it makes, because saved values of all iterations are one stack and those have no common shape.
 */
function remakableNodes(
  forward: readonly GraphNode[],
  makers: ReadonlyMap<string, GraphNode>,
  { body, isLoop }: BodyRequest,
): ReadonlySet<GraphNode> {
  const inputs = new Set(body.inputs.map((input) => input.name));
  const fixed = new Set<GraphNode>();
  const shapeless = new Set<GraphNode>();
  for (const node of forward) {
    if (hasRandom(node)) continue;
    const isFixed = [...readsOf(node)].every((name) => {
      const maker = makers.get(name);
      if (maker !== undefined) return fixed.has(maker);
      return body.initializers.has(name) || (isLoop && !inputs.has(name));
    });
    const hasBodies = bodiesOf(node).length > 0;
    if (isFixed && !hasBodies) fixed.add(node);
    else if (isLoop && hasBodies && node.opType !== 'Scan') shapeless.add(node);
  }
  return new Set([...fixed, ...shapeless]);
}

/** Drawn again, numbers would be others. */
function hasRandom(node: GraphNode): boolean {
  const isRandom =
    node.opType.startsWith('Random') || ['Bernoulli', 'Multinomial', 'Dropout'].includes(node.opType);
  return isRandom || bodiesOf(node).some(({ graph }) => graph.nodes.some(hasRandom));
}

function savedType(context: RuleContext, value: string, type: ValueType | undefined): SavedValue['type'] {
  if (type?.kind === 'tensor' && type.elementType !== 'undefined') return type;
  throw formUnsupported(
    context.node,
    `the value "${value}" inside it, whose type is not known to be a tensor`,
  );
}

/** Constants of the graphs around, which a body sees as they are. */
function capturedConstants(wrapped: Graph, body: Graph): ReadonlySet<string> {
  return new Set([...wrapped.initializers.keys()].filter((name) => !body.initializers.has(name)));
}

/** Returns a look-up of the constants that some nodes read and that stand in the body itself or were added by rules. */
function constantsOf(
  graph: Graph,
  captured: ReadonlySet<string>,
): (nodes: readonly GraphNode[]) => readonly Tensor[] {
  return (nodes) => {
    const names = new Set(nodes.flatMap((node) => [...readsOf(node)]));
    return [...names].flatMap((name) => {
      const tensor = graph.initializers.get(name);
      return tensor === undefined || captured.has(name) ? [] : [tensor];
    });
  };
}

function allNames(body: Graph): string[] {
  const names = [...body.inputs.map((input) => input.name), ...body.initializers.keys()];
  for (const node of body.nodes) {
    names.push(...node.outputs);
    for (const inner of bodiesOf(node)) names.push(...allNames(inner.graph));
  }
  return names;
}
