import type { Random } from '../../base/random.js';
import { bodiesOf, type GraphNode, type Model, type Tensor, type ValueType } from '../../onnx/model.js';
import { mapDimensions } from '../../onnx/shapes/declared.js';
import { type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import type { Runtime } from '../runtime/session.js';
import { operandsOf } from './operands.js';
import { differentiate } from './differentiate.js';
import type { GradientRule } from './gradientRule.js';
import { checkDirections, type DirectionalError, isCompared, tensorLike } from './directionalCheck.js';

/** What single nodes and whole models are checked with. */
export interface CheckSetting {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly random: Random;
  /** Rules that take precedence over the table. */
  readonly rules: readonly GradientRule[];
}

/** A node with the values that its operands had in one run. */
export interface NodeAtWork {
  readonly node: GraphNode;
  /** Values of operands and results. */
  readonly values: ReadonlyMap<string, TensorValue>;
  /** Operands that are weights: they are differentiated by, but not moved off their values first. */
  readonly weights: ReadonlySet<string>;
}

/** Steps relative to the operand, from where curvature rules to where float32 rounding does. */
const nodeSteps = [2 ** -5, 2 ** -8, 2 ** -11];

/** How many operands of a node with bodies are checked. */
const bodyOperandBudget = 8;

/** Whole networks stand in bodies, and kinks of many layers add up: the steps are smaller than those of single nodes. */
export const networkSteps = [2 ** -6, 2 ** -8, 2 ** -10, 2 ** -12];

/** Activations are moved by this share of their size first, so that exact ties (zeros after a ReLU) fall apart. */
const tieBreakingShare = 0.02;

/**
 * Compares a node's rule with central differences at the operands it had in a run, each differentiable operand alone.
 *
 * Returns nothing when no operand is float32 or float64, or no result is.
 */
export async function checkNode(
  { model, runtime, random, rules }: CheckSetting,
  work: NodeAtWork,
): Promise<readonly DirectionalError[]> {
  const alone = isolate(model, work, random);
  const hasBodies = bodiesOf(work.node).length > 0;
  const outputs = comparedOutputs(work);
  if (alone.wrt.length === 0 || outputs.length === 0) return [];
  const builder = new GraphBuilder(alone.model);
  const types = new Map<string, ValueType>();
  for (const [name, value] of work.values) types.set(name, typeOf(value));
  const cotangents = new Map<string, string>();
  for (const output of outputs) {
    cotangents.set(
      output,
      builder.addInput(builder.freshName(`${output}/cotangent`), types.get(output) ?? floats),
    );
  }
  const seeds = [...cotangents].map(([value, cotangent]) => ({ value, cotangent }));
  const backward = differentiate(builder.build(), { seeds, wrt: alone.wrt, types, rules });
  const named = nameGradients(backward.model, backward.gradients);
  const sessions = [await runtime.open(alone.model, probe), await runtime.open(named.model, probe)] as const;
  try {
    const [forward, both] = sessions;
    const check = { forward, backward: both, feeds: alone.feeds, gradients: named.gradients, cotangents };
    return await checkDirections(
      hasBodies
        ? // A probability near 0 is computed as exactly as one near 1: small steps drown in that.
          { ...check, steps: [2 ** -3, ...networkSteps], directionCount: 1 }
        : { ...check, steps: nodeSteps, directionCount: 3 },
      random,
    );
  } finally {
    for (const session of sessions) await session.close();
  }
}

const probe = { purpose: 'probe' } as const;
const floats: ValueType = { kind: 'tensor', elementType: 'float32', shape: null };

function typeOf(value: TensorValue): ValueType {
  return { kind: 'tensor', elementType: value.dtype, shape: value.dims };
}

function sizeless(type: ValueType): ValueType {
  return mapDimensions(type, () => null);
}

/** The first result, if differences can be taken of it; all of an operator that cuts. */
function comparedOutputs({ node, values }: NodeAtWork): readonly string[] {
  const outputs = node.opType === 'Split' ? node.outputs : node.outputs.slice(0, 1);
  return outputs.filter((name) => name !== '' && isCompared(values.get(name)?.dtype));
}

/** Returns the work with every float32 number in float64. */
export function inDouble(work: NodeAtWork): NodeAtWork {
  const doubled = (value: TensorValue): TensorValue =>
    value.dtype === 'float32' ? { ...value, dtype: 'float64', data: toFloat64(value) } : value;
  return { ...work, values: new Map([...work.values].map(([name, value]) => [name, doubled(value)])) };
}

interface IsolatedNode {
  readonly model: Model;
  readonly feeds: Record<string, TensorValue>;
  readonly wrt: readonly string[];
}

/** The node as a model of its own: float operands are inputs, everything else is a constant. */
function isolate(model: Model, work: NodeAtWork, random: Random): IsolatedNode {
  const { node, values } = work;
  const builder = new GraphBuilder(emptied(model));
  const feeds: Record<string, TensorValue> = {};
  const names = new Map<string, string>();
  const wrt: string[] = [];
  const hasBodies = bodiesOf(node).length > 0;
  for (const input of new Set(operandsOf(node))) {
    const value = values.get(input);
    if (input === '' || value === undefined) continue;
    const isMoved = isCompared(value.dtype) && value.data.length >= 2;
    if (!isMoved && !(hasBodies && node.inputs.includes(input))) {
      // Scalars (exponents, bounds, epsilons) stay constants, because rules read them.
      names.set(
        input,
        hasBodies ? builder.initializer(constantTensor(input, value)) : builder.constant(value, input),
      );
      continue;
    }
    // An If of a constant condition would be taken apart by the runtime, which goes wrong for some.
    // Sizes are left open, for they may not fit the branch that is not taken.
    builder.addInput(input, hasBodies ? sizeless(typeOf(value)) : typeOf(value));
    feeds[input] = work.weights.has(input) || !isMoved ? value : offTies(value, random);
    if (isMoved) wrt.push(input);
  }
  const { name, domain, attributes, outputs } = node;
  const inputs = node.inputs.map((input) => names.get(input) ?? input);
  builder.node(node.opType, inputs, { name, domain, outputs, attributes: Object.fromEntries(attributes) });
  for (const output of comparedOutputs(work)) builder.addOutput(output);
  // A network in a body has many weights: a few stand for all.
  const step = hasBodies ? Math.max(1, Math.ceil(wrt.length / bodyOperandBudget)) : 1;
  return { model: builder.build(), feeds, wrt: wrt.filter((_, i) => i % step === 0) };
}

/** A constant under its own name, by which bodies capture it. */
function constantTensor(name: string, { dtype, dims, data }: TensorValue): Tensor {
  if (Array.isArray(data)) {
    return { name, elementType: dtype, dims, source: { kind: 'strings', values: data } };
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, elementType: dtype, dims, source: { kind: 'inline', bytes } };
}

function emptied(model: Model): Model {
  const nothing = { inputs: [], outputs: [], nodes: [], sparseInitializers: [] };
  return { ...model, graph: { ...model.graph, ...nothing, initializers: new Map(), valueInfo: new Map() } };
}

function offTies(value: TensorValue, random: Random): TensorValue {
  const numbers = toFloat64(value);
  const square = numbers.reduce((sum, number) => sum + number * number, 0) / Math.max(1, numbers.length);
  const size = tieBreakingShare * Math.sqrt(square);
  // Upwards only: logarithms and roots stay inside their domain.
  return tensorLike(
    value,
    numbers.map((number) => number + size * random.next()),
  );
}

/** Makes every gradient an output of its own, also where it is just a cotangent passed on. */
export function nameGradients(
  model: Model,
  gradients: ReadonlyMap<string, string>,
): { readonly model: Model; readonly gradients: ReadonlyMap<string, string> } {
  const builder = new GraphBuilder(model);
  const named = new Map<string, string>();
  for (const [value, gradient] of gradients) {
    named.set(
      value,
      builder.node('Identity', [gradient], { outputs: [builder.freshName(`${value}/gradient`)] }),
    );
  }
  builder.setOutputs([...named.values()]);
  return { model: builder.build(), gradients: named };
}
