import type { Graph, Model, ValueInfo, ValueType } from '../../onnx/model.js';
import type { TensorData, TensorValue } from '../../onnx/tensorValue.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import type { Feeds, Runtime } from '../runtime/session.js';
import type { TrainingStep } from './trainingStep.js';

/** Tensors that go from step to step, by input name. */
export type States = ReadonlyMap<string, TensorValue>;

/** What a run of one or more steps gives. */
export interface StepResults {
  readonly states: States;
  /** Loss of each step. */
  readonly losses: readonly number[];
  /** Norm of the gradients of each step; empty where they are not clipped by it. */
  readonly gradientNorms: readonly number[];
}

/** An open session that does training steps. */
export interface StepRunner {
  /** Does steps in order; all feeds have equal shapes. */
  run(states: States, steps: readonly Feeds[]): Promise<StepResults>;
  close(): Promise<void>;
}

/** Opens a training step in the runtime: as it is, or looped so that several steps fit in a run. */
export async function openStepRunner(
  runtime: Runtime,
  step: TrainingStep,
  stepsPerRun: number,
): Promise<StepRunner> {
  const isLooped = stepsPerRun > 1;
  const session = await runtime.open(isLooped ? loopSteps(step) : step.model);
  return {
    async run(states, steps) {
      const feeds = isLooped ? stack(steps) : steps[0];
      const outputs = await session.run({ ...feeds, ...Object.fromEntries(states) });
      const numbers = (name: string | undefined): number[] =>
        name === undefined ? [] : Array.from(outputOf(outputs, name).data, Number);
      return {
        states: new Map(step.states.map(({ input, output }) => [input, outputOf(outputs, output)] as const)),
        losses: numbers(step.loss),
        gradientNorms: numbers(step.gradientNorm),
      };
    },
    close: () => session.close(),
  };
}

function outputOf(outputs: Feeds, name: string): TensorValue {
  const value = outputs[name];
  if (value === undefined) throw new Error(`The training step returned no ${name}.`);
  return value;
}

/**
 * Returns a model that does any number of steps: a Scan whose loop state are the step's states and whose scanned inputs
 * are what each step is fed, with a leading axis of steps.
 *
 * The binding copies every output into JavaScript's memory; what a Scan carries from step to step stays in the runtime.
 */
function loopSteps(step: TrainingStep): Model {
  const { model, states } = step;
  const { graph } = model;
  const isState = new Set(states.map((state) => state.input));
  const byName = new Map(graph.inputs.map((input) => [input.name, input]));
  const carried = states.flatMap((state) => byName.get(state.input) ?? []);
  const scanned = graph.inputs.filter((input) => !isState.has(input.name));
  const builder = new GraphBuilder({ ...model, graph: { ...graph, nodes: [], inputs: [], outputs: [] } });
  for (const { name, type } of carried) builder.addInput(name, type);
  for (const { name, type } of scanned) builder.addInput(name, severalOf(type));
  const inputs = [...carried, ...scanned];
  const body = bodyOf(step, inputs);
  const outputs = graph.outputs.map((output) => output.name);
  const order = [...states.map((state) => state.output), ...outputs.filter((name) => !isCarried(step, name))];
  builder.node(
    'Scan',
    inputs.map((input) => input.name),
    {
      outputs: order,
      attributes: { body: { kind: 'graph', value: body }, num_scan_inputs: scanned.length },
    },
  );
  builder.setOutputs(order);
  return builder.build();
}

function isCarried({ states }: TrainingStep, name: string): boolean {
  return states.some((state) => state.output === name);
}

function severalOf(type: ValueType): ValueType {
  if (type.kind !== 'tensor') return type;
  return { ...type, shape: type.shape === null ? null : ['steps', ...type.shape] };
}

/** The step as the body of a Scan: its constants stay outside, names that the Scan has too begin with `step/`. */
function bodyOf(step: TrainingStep, inputs: readonly ValueInfo[]): Graph {
  const { graph } = step.model;
  const numbers = graph.outputs.filter((output) => !isCarried(step, output.name));
  // The runtime wants the shape of everything that leaves a body, and infers few behind a gradient.
  const float = (name: string, shape: readonly number[]): ValueInfo => {
    const type = { kind: 'tensor', elementType: 'float32', shape } as const;
    return { name: `step/${name}`, type, metadata: new Map() };
  };
  const outputs = [
    ...step.states.map((state) => float(state.output, state.dims)),
    ...numbers.map((output) => float(output.name, [])),
  ];
  const shared = new Set([
    ...inputs.map((input) => input.name),
    ...graph.outputs.map((output) => output.name),
  ]);
  const inside = (name: string): string => (shared.has(name) ? `step/${name}` : name);
  return {
    ...graph,
    name: 'step',
    inputs: inputs.map((input) => ({ ...input, name: inside(input.name) })),
    outputs,
    nodes: graph.nodes.map((node) => {
      return { ...node, inputs: node.inputs.map(inside), outputs: node.outputs.map(inside) };
    }),
    initializers: new Map(),
    sparseInitializers: [],
    valueInfo: new Map(),
  };
}

/** Joins equal-shaped feeds along a new first axis. */
function stack(steps: readonly Feeds[]): Feeds {
  const [first = {}] = steps;
  return Object.fromEntries(
    Object.entries(first).map(([name, { dtype, dims }]) => {
      const parts = steps.map((feeds) => outputOf(feeds, name).data);
      return [name, { dtype, dims: [steps.length, ...dims], data: joined(parts) }] as const;
    }),
  );
}

function joined(parts: readonly TensorData[]): TensorData {
  const [first] = parts;
  if (first === undefined || Array.isArray(first)) throw new Error('Only numbers are fed to several steps.');
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  // Every part is of the first one's type.
  const all = new (first.constructor as new (length: number) => Exclude<TensorData, string[]>)(length);
  let offset = 0;
  for (const part of parts) {
    all.set(part as never, offset);
    offset += part.length;
  }
  return all;
}
