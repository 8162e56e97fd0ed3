import {
  bodiesOf,
  type Graph,
  type GraphNode,
  intAttribute,
  intsAttribute,
  type ValueType,
} from '../../../onnx/model.js';
import { commonType } from '../../../onnx/shapes/rules/controlFlow.js';
import {
  type CarriedValue,
  type Iteration,
  type IterationGradient,
  reverseIteration,
} from '../bodies/iteration.js';
import { bodyModel } from '../bodies/bodyModel.js';
import { reverseGrowingLoop } from '../bodies/growingLoop.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, type InputCotangent, latestOpset, type RuleContext } from '../gradientRule.js';
import { operandsOf } from '../operands.js';

/**
 * Gradient of Loop: a Scan over what its body saved, from the last iteration that ran to the first.
 *
 * Covers trip counts and conditions known at run time only. Where a carried value changes its shape, it is a Loop over
 * sequences (`reverseGrowingLoop`).
 */
export const loopRule: GradientRule = {
  opType: 'Loop',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const iteration = loopIteration(context);
    if (isGrowing(context, iteration)) return spread(context.node, reverseGrowingLoop(context, iteration));
    const gradient = reverseIteration(context, iteration);
    if (gradient === undefined) return [];
    const { node, builder } = context;
    builder.replaceNode(node, {
      ...saving(context, gradient),
      outputs: allOutputs(context, iteration, gradient),
    });
    return cotangents(node, gradient);
  },
};

/** Gradient of Scan: a Scan in the other direction over what its body read and saved. */
export const scanRule: GradientRule = {
  opType: 'Scan',
  domain: '',
  opsets: [9, latestOpset],
  backward(context) {
    const iteration = scanIteration(context);
    const gradient = reverseIteration(context, iteration);
    if (gradient === undefined) return [];
    const { node, builder } = context;
    const saved = saving(context, gradient);
    const attributes = new Map(saved.attributes);
    const made = iteration.makes.length + gradient.stacks.length;
    // Saved stacks have the iterations first, in their order.
    for (const name of ['scan_output_axes', 'scan_output_directions']) {
      const given = intsAttribute(node, name);
      if (given === undefined) continue;
      const value = Array.from({ length: made }, (_, i) => BigInt(given[i] ?? 0));
      attributes.set(name, { kind: 'ints', value });
    }
    builder.replaceNode(node, { ...saved, attributes, outputs: allOutputs(context, iteration, gradient) });
    return cotangents(node, gradient);
  },
};

function bodyOf(node: GraphNode): Graph {
  const [found] = bodiesOf(node);
  if (found === undefined) throw formUnsupported(node, `a ${node.opType} without a body`);
  return found.graph;
}

function carriedValue(
  { node, outputCotangents }: RuleContext,
  body: Graph,
  at: { readonly input: number; readonly output: number; readonly operand: number; readonly result: number },
): CarriedValue {
  return {
    input: body.inputs[at.input]?.name ?? '',
    output: body.outputs[at.output]?.name ?? '',
    initial: node.inputs[at.operand] ?? '',
    final: node.outputs[at.result] ?? '',
    cotangent: outputCotangents[at.result],
  };
}

/** Type of a carried value in every iteration: what its first and last type have in common. */
function carriedType(context: RuleContext, { initial, final }: CarriedValue): ValueType {
  const first = context.typeOf(initial);
  const last = final === '' ? first : context.typeOf(final);
  if (first.kind !== 'tensor' || last.kind !== 'tensor' || last.shape === null) return first;
  return commonType(first, last);
}

/** Whether types show that a carried value changes its shape, around the Loop or in its first iteration. */
function isGrowing(context: RuleContext, { body, carried, inputTypes }: Iteration): boolean {
  const outside = carried.some(({ initial, final }) => {
    return final !== '' && differs(context.typeOf(initial), context.typeOf(final));
  });
  if (outside) return true;
  const firstTypes = [...inputTypes.slice(0, 2), ...carried.map(({ initial }) => context.typeOf(initial))];
  const { types } = bodyModel(context, { body, inputTypes: firstTypes });
  return carried.some(({ initial, output }) => {
    return differs(context.typeOf(initial), types.get(output) ?? { kind: 'unknown' });
  });
}

function differs(a: ValueType, b: ValueType): boolean {
  if (a.kind !== 'tensor' || b.kind !== 'tensor') return false;
  return (a.shape ?? []).some((size, axis) => {
    const other = b.shape?.[axis];
    return typeof size === 'number' && typeof other === 'number' && size !== other;
  });
}

function loopIteration(context: RuleContext): Iteration {
  const { node, outputCotangents } = context;
  const body = bodyOf(node);
  const count = Math.max(node.inputs.length - 2, 0);
  const carried = Array.from({ length: count }, (_, i) =>
    carriedValue(context, body, { input: 2 + i, output: 1 + i, operand: 2 + i, result: i }),
  );
  const makes = body.outputs.slice(1 + count).map((output, i) => ({
    output: output.name,
    cotangent: outputCotangents[count + i],
    type: elementOf(context.typeOf(node.outputs[count + i] ?? ''), 0),
    axis: 0,
    direction: 0,
  }));
  return {
    body,
    inputTypes: [scalarOf('int64'), scalarOf('bool'), ...carried.map((value) => carriedType(context, value))],
    carried,
    reads: [],
    makes,
    clock: body.inputs[0]?.name ?? '',
    mayBeEmpty: !runsAtLeastOnce(context),
  };
}

/** Whether trip count and condition are constants that let the first iteration begin. */
function runsAtLeastOnce(context: RuleContext): boolean {
  const isGiven = (index: number): boolean => {
    const name = context.node.inputs[index] ?? '';
    const value = name === '' ? undefined : context.constantOf(name);
    return name === '' || (value !== undefined && Number(value.data[0]) > 0);
  };
  return isGiven(0) && isGiven(1);
}

function scalarOf(elementType: 'int64' | 'bool'): ValueType {
  return { kind: 'tensor', elementType, shape: [] };
}

function scanIteration(context: RuleContext): Iteration {
  const { node, outputCotangents } = context;
  const body = bodyOf(node);
  const readCount = intAttribute(node, 'num_scan_inputs', 1);
  const count = node.inputs.length - readCount;
  const order = (side: 'input' | 'output', i: number): { axis: number; direction: number } => ({
    axis: intsAttribute(node, `scan_${side}_axes`)?.[i] ?? 0,
    direction: intsAttribute(node, `scan_${side}_directions`)?.[i] ?? 0,
  });
  const carried = Array.from({ length: count }, (_, i) =>
    carriedValue(context, body, { input: i, output: i, operand: i, result: i }),
  );
  const reads = node.inputs.slice(count).map((source, i) => {
    const { axis, direction } = order('input', i);
    const type = elementOf(context.typeOf(source), axis);
    return { input: body.inputs[count + i]?.name ?? '', source, type, axis, direction };
  });
  const makes = body.outputs.slice(count).map((output, i) => {
    const { axis, direction } = order('output', i);
    const type = elementOf(context.typeOf(node.outputs[count + i] ?? ''), axis);
    return { output: output.name, cotangent: outputCotangents[count + i], type, axis, direction };
  });
  const states = carried.map((value) => carriedType(context, value));
  return {
    body,
    inputTypes: [...states, ...reads.map(({ type }) => type)],
    carried,
    reads,
    makes,
    clock: body.inputs[count]?.name ?? '',
    mayBeEmpty: false,
  };
}

/** Type of one element of a stack along an axis, inside the body. */
function elementOf(type: ValueType, axis: number): ValueType {
  if (type.kind !== 'tensor' || type.shape === null) return type;
  const at = axis < 0 ? axis + type.shape.length : axis;
  return { ...type, shape: type.shape.filter((_, i) => i !== at) };
}

/** The node with a body that makes the saved values too. */
function saving({ node }: RuleContext, { forward }: IterationGradient): GraphNode {
  const attributes = new Map(node.attributes);
  attributes.set('body', { kind: 'graph', value: forward });
  return { ...node, attributes };
}

/** Every output of the node by name, for saved stacks come after them. */
function allOutputs(
  { node, builder }: RuleContext,
  { carried, makes }: Iteration,
  { stacks }: IterationGradient,
): readonly string[] {
  const own = Array.from({ length: carried.length + makes.length }, (_, i) => {
    const name = node.outputs[i] ?? '';
    return name === '' ? builder.freshName(`ni/${node.opType}`) : name;
  });
  return [...own, ...stacks];
}

function cotangents(node: GraphNode, gradient: IterationGradient): readonly InputCotangent[] {
  return spread(node, gradient.cotangents);
}

/** A value that is an operand in several places has one cotangent, which is the sum. */
function spread(node: GraphNode, byName: ReadonlyMap<string, string> | undefined): readonly InputCotangent[] {
  const operands = operandsOf(node);
  return operands.map((name, i) => (operands.indexOf(name) === i ? byName?.get(name) : undefined));
}
