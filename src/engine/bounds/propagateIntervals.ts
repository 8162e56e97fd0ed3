import type { GraphNode, Model, ValueType } from '../../onnx/model.js';
import { readsOf, topologicalOrder } from '../../onnx/graphIndex.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { constantLookup } from '../gradients/constantLookup.js';
import { Emitter } from '../gradients/emitter.js';
import { extendTypes } from '../gradients/extendTypes.js';
import { madeBy, withoutDead } from '../gradients/liveNodes.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { lowerNodes } from '../lowering/lowerNodes.js';
import { boundRuleMissing } from './boundErrors.js';
import type { Interval } from './intervalRule.js';
import { findIntervalRule } from './intervalTable.js';

/** An input with names of the ends of its interval, each shaped like it. */
export interface Box extends Interval {
  readonly value: string;
}

/** What is bounded: the values, when every input lies anywhere in its box. */
export interface IntervalRequest {
  readonly boxes: readonly Box[];
  readonly values: readonly string[];
  readonly types: TypeTable;
  /** Intervals of inner values that are known to hold, to be intersected with those worked out (`refineIntervals`). */
  readonly known?: ReadonlyMap<string, Interval>;
}

/** A model that also computes bounds. */
export interface IntervalBounds {
  /** The given model with nodes appended; no new outputs. */
  readonly model: Model;
  /** Interval per wanted value; the value itself at both ends when no box reaches it. */
  readonly bounds: ReadonlyMap<string, Interval>;
}

/**
 * Returns the model with element by element bounds of values appended, by interval arithmetic.
 *
 * Sound up to float32 rounding; exact for one layer, wider with each further one, because the elements of a value are
 * taken to be independent.
 *
 * @throws UserError `bound-rule-missing`, `bound-form-unsupported`.
 */
export function propagateIntervals(model: Model, request: IntervalRequest): IntervalBounds {
  const pass = intervalPass(model, request);
  const bounds = new Map(request.values.map((value) => [value, pass.intervalOf(value)] as const));
  const read = [...bounds.values()].flatMap(({ lower, upper }) => [lower, upper]);
  return { model: withoutDead(pass.builder.build(), { own: madeBy(model), read }), bounds };
}

/** Intervals of everything between the boxes and the wanted values, in a graph that is still open. */
export interface IntervalPass {
  readonly builder: GraphBuilder;
  /** The model without composites, before bounds were appended. */
  readonly core: Model;
  readonly types: TypeTable;
  readonly intervalOf: (value: string) => Interval;
  /** Whether a value depends on what is in the boxes. */
  readonly isBounded: (value: string) => boolean;
}

/** Appends the intervals of every value that the wanted ones depend on. */
export function intervalPass(model: Model, request: IntervalRequest): IntervalPass {
  const { boxes, values, known = new Map<string, Interval>() } = request;
  const core = withoutComposites(model, request.types);
  const types = core === model ? request.types : extendTypes(core, request.types);
  const order = topologicalOrder(core.graph);
  if (order.kind === 'cycle') throw new Error('A graph with a cycle cannot be bounded.');
  const builder = new GraphBuilder(core);
  const intervals = new Map<string, Interval>(
    boxes.map(({ value, lower, upper }) => [value, { lower, upper }]),
  );
  const intervalOf = (value: string): Interval => intervals.get(value) ?? { lower: value, upper: value };
  const needed = neededFor(order.nodes, values);
  const context = { builder, types, constantOf: constantLookup(core), intervals, intervalOf, known };
  for (const node of order.nodes) if (needed.has(node)) boundNode(context, node);
  return { builder, core, types, intervalOf, isBounded: (value) => intervals.has(value) };
}

function withoutComposites(model: Model, types: TypeTable): Model {
  return lowerNodes(model, {
    nodes: model.graph.nodes,
    isCovered: (node) => findIntervalRule(node) !== undefined,
    isPrepared: () => false,
    replacesAll: true,
    typeOf: (name) => types.get(name) ?? { kind: 'unknown' },
    constantsOf: constantLookup,
  }).model;
}

function neededFor(nodes: readonly GraphNode[], values: readonly string[]): ReadonlySet<GraphNode> {
  const wanted = new Set(values);
  const needed = new Set<GraphNode>();
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    needed.add(node);
    for (const read of readsOf(node)) wanted.add(read);
  }
  return needed;
}

interface NodeSetting {
  readonly builder: GraphBuilder;
  readonly types: TypeTable;
  readonly constantOf: ReturnType<typeof constantLookup>;
  readonly intervals: Map<string, Interval>;
  readonly intervalOf: (value: string) => Interval;
  readonly known: ReadonlyMap<string, Interval>;
}

/** Results of these depend on the sizes of their operands alone. */
const sizesOnly = new Set(['Shape', 'Size']);

function boundNode(
  { builder, types, constantOf, intervals, intervalOf, known }: NodeSetting,
  node: GraphNode,
): void {
  const reads = [...readsOf(node)];
  if (sizesOnly.has(node.opType) || !reads.some((name) => intervals.has(name))) return;
  const rule = findIntervalRule(node);
  if (rule === undefined) throw boundRuleMissing(node);
  const typeOf = (name: string): ValueType => types.get(name) ?? { kind: 'unknown' };
  const type = typeOf(node.outputs[0] ?? '');
  const bounds = rule.bound({
    node,
    emit: new Emitter(builder, type.kind === 'tensor' ? type.elementType : 'float32'),
    operands: node.inputs.map(intervalOf),
    isExact: (index) => !intervals.has(node.inputs[index] ?? ''),
    typeOf,
    constantOf,
    replay: (inputs) => replay(builder, node, inputs),
  });
  node.outputs.forEach((output, i) => {
    const interval = bounds[i];
    if (output === '' || interval === undefined) return;
    const given = known.get(output);
    intervals.set(output, given === undefined ? interval : intersected(builder, interval, given));
  });
}

function intersected(builder: GraphBuilder, one: Interval, other: Interval): Interval {
  return {
    lower: builder.node('Max', [one.lower, other.lower]),
    upper: builder.node('Min', [one.upper, other.upper]),
  };
}

function replay(builder: GraphBuilder, node: GraphNode, inputs: readonly string[]): readonly string[] {
  const outputs = node.outputs.map((name) => (name === '' ? '' : builder.freshName(`ni/${node.opType}`)));
  builder.append({ ...node, name: '', inputs, outputs });
  return outputs;
}
