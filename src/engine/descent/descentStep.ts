import type { Model } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import { differentiate } from '../gradients/differentiate.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
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
  /** Whether what is moved is held in −1 … 1 after every step. */
  readonly isBounded: boolean;
  readonly optimizer: Optimizer;
  /** Appends z from what is moved, which has z's shape; default z itself is moved. */
  decode?(builder: GraphBuilder, moved: string): string;
  /** Appends what the model reads in the place of z; default z. May add inputs. */
  view?(builder: GraphBuilder, z: string): string;
  /** Appends what becomes of what is moved after every step, before it is bounded; default it stays. */
  settle?(builder: GraphBuilder, moved: string): string;
  /** Shapes that the other inputs are fed in. */
  readonly inputShapes: Readonly<Record<string, readonly number[]>>;
  /** Appends what is minimised, from the model's values and `z`; may add inputs. */
  objective(builder: GraphBuilder, z: string): readonly Term[];
}

/** The graph of one step over an input. */
export interface DescentStep {
  readonly model: Model;
  /** Inputs for what is moved and the optimiser's state, in this order, and the outputs that follow them. */
  readonly states: readonly { readonly input: string; readonly output: string }[];
  readonly learningRate: string;
  readonly scalars: readonly string[];
  /** Output z before the step; an input where z itself is moved. */
  readonly z: string;
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
  const { model: said, moved, z } = sayInput(model, request);
  const forward = new GraphBuilder(said);
  const terms = request.objective(forward, z);
  const { seeds } = seedOf(forward, appendTotal(forward, terms));
  const withLoss = forward.build();
  const shapes = { ...request.inputShapes, [moved]: dims };
  const { model: differentiated, gradients } = differentiate(withLoss, {
    seeds,
    wrt: [moved],
    types: inferTypes(withLoss, { inputShapes: shapes }),
  });
  const gradient = gradients.get(moved);
  if (gradient === undefined) throw new Error(`Nothing that is minimised depends on the input ${input}.`);
  return appendStep(differentiated, { moved, z, gradient, terms }, request);
}

/** The names of what a step is made of. */
interface Said {
  readonly moved: string;
  readonly z: string;
  readonly gradient: string;
  readonly terms: readonly Term[];
}

/** Appends the optimiser and keeps what is moved, its state, z and the terms as outputs. */
function appendStep(model: Model, { moved, z, gradient, terms }: Said, request: DescentRequest): DescentStep {
  const { dims, optimizer, isBounded } = request;
  const builder = new GraphBuilder(model);
  const addInput = (name: string, shape: readonly number[]): string =>
    builder.addInput(builder.freshName(`ni/${name}`), { kind: 'tensor', elementType: 'float32', shape });
  const learningRate = addInput('learningRate', []);
  const scalars = optimizer.scalars.map((name) => addInput(name, []));
  const slots = optimizer.slots.map((name) => addInput(name, dims));
  const operands = { parameter: moved, gradient, slots, learningRate, scalars, decays: false };
  const updated = optimizer.update(builder, operands);
  const settled = request.settle?.(builder, updated.parameter) ?? updated.parameter;
  const next = isBounded ? builder.node('Clip', [settled, builder.scalar(-1), builder.scalar(1)]) : settled;
  const states = [
    { input: moved, output: next },
    ...slots.map((slot, index) => ({ input: slot, output: updated.slots[index] ?? '' })),
  ];
  const shown = z === moved ? [] : [z];
  const outputs = [...states.map(({ output }) => output), ...shown, ...terms.map(({ value }) => value)];
  builder.setOutputs(outputs);
  return { model: prune(builder.build(), outputs), states, learningRate, scalars, z, terms };
}

/** Makes the input a value of the graph: centre + half · z, z from what is moved. */
function sayInput(
  model: Model,
  request: DescentRequest,
): { readonly model: Model; readonly moved: string; readonly z: string } {
  const { input, dims, centre, half } = request;
  const { graph } = model;
  const inputs = graph.inputs.filter(({ name }) => name !== input);
  const builder = new GraphBuilder({ ...model, graph: { ...graph, inputs } });
  const first = builder.nodeCount;
  const moved = builder.addInput(builder.freshName('ni/z'), {
    kind: 'tensor',
    elementType: 'float32',
    shape: dims,
  });
  const z = request.decode?.(builder, moved) ?? moved;
  const read = request.view?.(builder, z) ?? z;
  const scaled = builder.node('Mul', [read, builder.constant(half)]);
  builder.node('Add', [scaled, builder.constant(centre)], { outputs: [input] });
  const said = builder.build();
  // What makes the input stands before all that reads it.
  const nodes = [...builder.nodesFrom(first), ...graph.nodes];
  return { model: { ...said, graph: { ...said.graph, nodes } }, moved, z };
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
