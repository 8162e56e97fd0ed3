import type { Graph, GraphNode, Model, ValueType } from '../../onnx/model.js';
import { bodiesOf } from '../../onnx/model.js';
import { dataTypeFacts } from '../../onnx/dataTypes.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { capturesOf, topologicalOrder } from '../../onnx/graphIndex.js';

/** Some indices of one axis; negative ones count from the end. */
export interface AxisSelection {
  readonly axis: number;
  readonly indices: readonly number[];
}

/** What a value is turned into where it is selected. Operands broadcast against the value. */
export type Change =
  | { readonly kind: 'zero' }
  /** The mean over a data set, per unit, shaped to broadcast (`[U, 1, 1]` for `[N, U, H, W]`). */
  | { readonly kind: 'mean'; readonly mean: TensorValue }
  /** A constant, or a new graph input to be fed with the activations of another run. */
  | {
      readonly kind: 'replace';
      readonly by: TensorValue | { readonly input: string; readonly type: ValueType };
    }
  /** Adds `scale` × a direction (or constant). */
  | { readonly kind: 'add'; readonly direction: TensorValue; readonly scale?: number };

/** A change of one value of the main graph; everything that reads the value sees the changed one. */
export interface Intervention {
  readonly value: string;
  /** Rank of the value, so that selections broadcast against it. */
  readonly rank: number;
  readonly change: Change;
  /** Where it is changed: an element has to be in every selection; none selects everything. */
  readonly where?: readonly AxisSelection[];
}

/**
 * Returns the model with interventions applied in turn; graph outputs and bodies that read a changed value see the change.
 *
 * @throws Error when a value is not in the main graph.
 */
export function intervene(model: Model, interventions: readonly Intervention[]): Model {
  return interventions.reduce(interveneOnce, model);
}

function interveneOnce(model: Model, intervention: Intervention): Model {
  const { detached, before, after } = detach(model, intervention.value);
  const builder = new GraphBuilder(detached);
  const changed = appendChange(builder, before, intervention);
  const mask = appendMask(builder, before, intervention);
  builder.node('Where', [mask, changed, before], { outputs: [after] });
  const built = builder.build();
  const order = topologicalOrder(built.graph);
  if (order.kind === 'cycle') throw new Error(`Intervening on ${intervention.value} made a cycle.`);
  return { ...built, graph: { ...built.graph, nodes: order.nodes } };
}

interface Detached {
  readonly detached: Model;
  /** Name of the untouched value. */
  readonly before: string;
  /** Name that readers see; nothing makes it yet. */
  readonly after: string;
}

/** Splits a value into the one that is made and the one that is read. */
function detach(model: Model, value: string): Detached {
  const { graph } = model;
  const fresh = new GraphBuilder(model).freshName(`ni/before/${value}`);
  const index = graph.nodes.findIndex((node) => node.outputs.includes(value));
  if (index >= 0) {
    // The producer gives way: names of outputs and of captured values stay as they are.
    const nodes = graph.nodes.map((node, i) => (i === index ? renameOutput(node, value, fresh) : node));
    return { detached: { ...model, graph: { ...graph, nodes } }, before: fresh, after: value };
  }
  const isGiven = graph.initializers.has(value) || graph.inputs.some((input) => input.name === value);
  if (!isGiven) throw new Error(`There is no value ${value} in the main graph to intervene on.`);
  // An input or a constant keeps its name, so its readers are redirected.
  const nodes = graph.nodes.map((node) => renameReads(node, value, fresh));
  return { detached: { ...model, graph: { ...graph, nodes } }, before: value, after: fresh };
}

function renameOutput(node: GraphNode, from: string, to: string): GraphNode {
  return { ...node, outputs: node.outputs.map((name) => (name === from ? to : name)) };
}

/** Returns the node reading another value, in its bodies too. */
function renameReads(node: GraphNode, from: string, to: string): GraphNode {
  const inputs = node.inputs.map((name) => (name === from ? to : name));
  if (!bodiesOf(node).some((body) => capturesOf(body.graph).has(from))) return { ...node, inputs };
  const attributes = new Map(node.attributes);
  for (const [name, attribute] of attributes) {
    if (attribute.kind !== 'graph' || !capturesOf(attribute.value).has(from)) continue;
    attributes.set(name, { kind: 'graph', value: renameCapture(attribute.value, from, to) });
  }
  return { ...node, inputs, attributes };
}

function renameCapture(body: Graph, from: string, to: string): Graph {
  const outputs = body.outputs.map((output) => (output.name === from ? { ...output, name: to } : output));
  return { ...body, outputs, nodes: body.nodes.map((node) => renameReads(node, from, to)) };
}

function appendChange(builder: GraphBuilder, before: string, { change }: Intervention): string {
  const like = (name: string): string => builder.node('CastLike', [name, before]);
  switch (change.kind) {
    case 'zero':
      return like(builder.scalar(0));
    case 'mean':
      return like(builder.constant(change.mean));
    case 'replace':
      return 'input' in change.by
        ? builder.addInput(change.by.input, change.by.type)
        : like(builder.constant(change.by));
    case 'add': {
      const direction = like(builder.constant(change.direction));
      const scaled =
        change.scale === undefined
          ? direction
          : builder.node('Mul', [direction, like(builder.scalar(change.scale))]);
      return builder.node('Add', [before, scaled]);
    }
  }
}

/** Appends the bool mask of the selected elements, broadcastable against the value; sizes are read at run time. */
function appendMask(builder: GraphBuilder, before: string, intervention: Intervention): string {
  const { where = [], rank } = intervention;
  const masks = where.map((selection) => appendAxisMask(builder, before, selection, rank));
  const [first, ...rest] = masks;
  if (first === undefined) return builder.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(1) });
  return rest.reduce((mask, other) => builder.node('And', [mask, other]), first);
}

/** 1 where the index along the axis is one of the selected: `[size, 1, …]`. */
function appendAxisMask(
  builder: GraphBuilder,
  before: string,
  { axis, indices }: AxisSelection,
  rank: number,
): string {
  const trailing = axis < 0 ? -axis - 1 : rank - 1 - axis;
  const shape = builder.node('Shape', [before]);
  const size = builder.node('Gather', [shape, builder.constant(int64Scalar(axis < 0 ? axis + rank : axis))]);
  const range = builder.node('Range', [
    builder.constant(int64Scalar(0)),
    size,
    builder.constant(int64Scalar(1)),
  ]);
  const wanted = builder.int64s(indices);
  const isNegative = builder.node('Less', [wanted, builder.constant(int64Scalar(0))]);
  const fromStart = builder.node('Where', [isNegative, builder.node('Add', [wanted, size]), wanted]);
  // [size, 1] against [k]: an index matches when any of the k does.
  const matches = builder.node('Equal', [builder.node('Unsqueeze', [range, builder.int64s([1])]), fromStart]);
  const counts = builder.reduce(
    'ReduceSum',
    builder.cast(matches, dataTypeFacts('float32').code),
    [1],
    false,
  );
  const mask = builder.node('Greater', [counts, builder.scalar(0)]);
  return trailing === 0
    ? mask
    : builder.node('Reshape', [mask, builder.int64s([-1, ...new Array<number>(trailing).fill(1)])]);
}

function int64Scalar(value: number): TensorValue {
  return { dtype: 'int64', dims: [], data: BigInt64Array.of(BigInt(value)) };
}
