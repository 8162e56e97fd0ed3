import type { Model } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import { differentiate } from '../gradients/differentiate.js';
import { GraphBuilder, makeNode } from '../graph/graphBuilder.js';
import { prune } from '../rewrites/prune.js';
import { seedOf } from '../training/loss.js';
import type { Optimizer } from '../training/optimizer.js';

/** A part of what is minimised: a value [N], one number a row, and its weight. */
export interface Term {
  readonly name: string;
  readonly value: string;
  readonly weight: number;
}

/** What is optimised and how. */
export interface DescentRequest {
  /** The input that is optimised, float32. */
  readonly input: string;
  /** Its shape, rows first. */
  readonly dims: readonly number[];
  /** x = centre + half · z; both broadcast to the input. */
  readonly centre: TensorValue;
  readonly half: TensorValue;
  /** Whether z is held in −1 … 1 after every step. */
  readonly isBounded: boolean;
  readonly optimizer: Optimizer;
  /** Shapes that the other inputs are fed in. */
  readonly inputShapes: Readonly<Record<string, readonly number[]>>;
  /** Appends what is minimised, from the model's values and `z`; may add inputs. */
  objective(builder: GraphBuilder, z: string): readonly Term[];
}

/** The graph of one step over an input. */
export interface DescentStep {
  readonly model: Model;
  /** Inputs for z and the optimiser's state, in this order, and the outputs that follow them. */
  readonly states: readonly { readonly input: string; readonly output: string }[];
  readonly learningRate: string;
  readonly scalars: readonly string[];
  /** Outputs [N] before the step, in the order of the objective's terms. */
  readonly terms: readonly Term[];
}

/**
 * Builds one step of minimising Σ weight · term over rows with respect to a model's input, each row by itself: forward, terms,
 * gradient, the optimiser.
 *
 * The input is said by z, whose range is −1 … 1 where the input's is centre ± half, so that step sizes and priors mean the
 * same whatever the input's units are.
 *
 * @throws UserError when an operator on the way to the input has no gradient rule.
 */
export function buildDescentStep(model: Model, request: DescentRequest): DescentStep {
  const { input, dims } = request;
  const { model: said, z } = sayInput(model, request);
  const forward = new GraphBuilder(said);
  const terms = request.objective(forward, z);
  const { seeds } = seedOf(forward, appendTotal(forward, terms));
  const withLoss = forward.build();
  const shapes = { ...request.inputShapes, [z]: dims };
  const { model: differentiated, gradients } = differentiate(withLoss, {
    seeds,
    wrt: [z],
    types: inferTypes(withLoss, { inputShapes: shapes }),
  });
  const gradient = gradients.get(z);
  if (gradient === undefined) throw new Error(`Nothing that is minimised depends on the input ${input}.`);
  return { ...appendStep(differentiated, { z, gradient, terms }, request), terms };
}

/** Appends the optimiser and keeps z, its state and the terms as outputs. */
function appendStep(
  model: Model,
  { z, gradient, terms }: { readonly z: string; readonly gradient: string; readonly terms: readonly Term[] },
  { dims, optimizer, isBounded }: DescentRequest,
): Omit<DescentStep, 'terms'> {
  const builder = new GraphBuilder(model);
  const addInput = (name: string, shape: readonly number[]): string =>
    builder.addInput(builder.freshName(`ni/${name}`), { kind: 'tensor', elementType: 'float32', shape });
  const learningRate = addInput('learningRate', []);
  const scalars = optimizer.scalars.map((name) => addInput(name, []));
  const slots = optimizer.slots.map((name) => addInput(name, dims));
  const operands = { parameter: z, gradient, slots, learningRate, scalars, decays: false };
  const updated = optimizer.update(builder, operands);
  const next = isBounded
    ? builder.node('Clip', [updated.parameter, builder.scalar(-1), builder.scalar(1)])
    : updated.parameter;
  const states = [
    { input: z, output: next },
    ...slots.map((slot, index) => ({ input: slot, output: updated.slots[index] ?? '' })),
  ];
  const outputs = [...states.map(({ output }) => output), ...terms.map(({ value }) => value)];
  builder.setOutputs(outputs);
  return { model: prune(builder.build(), outputs), states, learningRate, scalars };
}

/** Makes the input a value of the graph: centre + half · z. */
function sayInput(
  model: Model,
  { input, dims, centre, half }: DescentRequest,
): { readonly model: Model; readonly z: string } {
  const { graph } = model;
  const inputs = graph.inputs.filter(({ name }) => name !== input);
  const builder = new GraphBuilder({ ...model, graph: { ...graph, inputs } });
  const z = builder.addInput(builder.freshName('ni/z'), {
    kind: 'tensor',
    elementType: 'float32',
    shape: dims,
  });
  const scaled = builder.freshName('ni/scaled');
  const [first] = graph.nodes;
  if (first === undefined) throw new Error('A model without nodes cannot be descended.');
  builder.insertBefore(first, makeNode('Mul', [z, builder.constant(half)], { outputs: [scaled] }));
  builder.insertBefore(first, makeNode('Add', [scaled, builder.constant(centre)], { outputs: [input] }));
  return { model: builder.build(), z };
}

function appendTotal(builder: GraphBuilder, terms: readonly Term[]): string {
  const parts = terms.map(({ value, weight }) => {
    const sum = builder.node('ReduceSum', [value], { attributes: { keepdims: 0 } });
    return weight === 1 ? sum : builder.node('Mul', [sum, builder.scalar(weight)]);
  });
  const [first, ...rest] = parts;
  if (first === undefined) throw new Error('There is nothing to minimise.');
  return rest.reduce((total, part) => builder.node('Add', [total, part]), first);
}
