import type { Model } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import { differentiate } from '../gradients/differentiate.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { promoteToInputs } from '../rewrites/promote.js';
import { useBatchStatistics } from './batchStatistics.js';
import { appendClipping, type GradientClip } from './clipGradients.js';
import type { Loss } from './loss.js';
import type { Optimizer } from './optimizer.js';
import { notTrainable } from './trainingErrors.js';

/** What a step trains, and how. */
export interface TrainingStepRequest {
  readonly loss: Loss;
  /** Initializers to train, float32; `train` takes float16 too. */
  readonly parameters: readonly string[];
  readonly optimizer: Optimizer;
  /** Parameters that weight decay leaves alone; biases and scales of normalisations, as a rule. */
  readonly undecayed?: readonly string[];
  readonly clip?: GradientClip;
}

/** One optimisation step as one run of one graph. */
export interface TrainingStep {
  /** Inputs: the model's own, the loss's targets, every state, and the scalars. */
  readonly model: Model;
  /** Name of the scalar loss output. */
  readonly loss: string;
  /** Name of the output with the norm of all gradients; there where gradients are clipped by their norm. */
  readonly gradientNorm?: string;
  readonly learningRate: string;
  /** Names of the optimiser's scalars, in its order. */
  readonly scalars: readonly string[];
  /** What goes from step to step. */
  readonly states: readonly TrainingState[];
}

/** A tensor that a step reads and leaves changed. */
export interface TrainingState {
  /** Name of the input; it names the tensor in checkpoints. */
  readonly input: string;
  /** Name of the output with the value after the step. */
  readonly output: string;
  /** The initializer it starts from, or is shaped like. */
  readonly initializer: string;
  readonly dims: readonly number[];
  /** `weight`: a parameter or running statistic of the model; `slot`: the optimiser's own, zeros before the first step. */
  readonly kind: 'weight' | 'slot';
}

const scalarType = { kind: 'tensor', elementType: 'float32', shape: [] } as const;

/**
 * Builds the graph of one training step: forward, loss, the gradient of every parameter, clipping, the optimiser.
 *
 * BatchNormalizations use the statistics of the batch, and their running ones are states beside the parameters.
 *
 * @throws UserError `not-trainable`; when an operator on the way to a parameter has no gradient rule.
 */
export function buildTrainingStep(model: Model, request: TrainingStepRequest): TrainingStep {
  for (const parameter of request.parameters) checkParameter(model, parameter);
  const { model: normalized, running } = useBatchStatistics(model);
  const promoted = promoteToInputs(normalized, [...request.parameters, ...running.keys()]);
  const lossBuilder = new GraphBuilder(promoted);
  for (const { name, type } of request.loss.targets) lossBuilder.addInput(name, type);
  const { loss, seeds } = request.loss.append(lossBuilder);
  const withLoss = lossBuilder.build();
  const types = inferTypes(withLoss);
  const { model: withGradients, gradients } = differentiate(withLoss, {
    seeds,
    wrt: request.parameters,
    types,
  });
  const builder = new GraphBuilder(withGradients);
  const dimsOf = (name: string): readonly number[] => model.graph.initializers.get(name)?.dims ?? [];
  const updates = appendUpdates(builder, { gradients, dimsOf }, request);
  const statistics = [...running].map(([initializer, output]): TrainingState => {
    return { input: initializer, output, initializer, dims: dimsOf(initializer), kind: 'weight' };
  });
  const states = [...updates.states, ...statistics];
  const { gradientNorm } = updates;
  const norms = gradientNorm === undefined ? [] : [gradientNorm];
  builder.setOutputs([loss, ...norms, ...states.map((state) => state.output)]);
  return {
    model: builder.build(),
    loss,
    ...(gradientNorm === undefined ? {} : { gradientNorm }),
    learningRate: updates.learningRate,
    scalars: updates.scalars,
    states,
  };
}

function checkParameter(model: Model, parameter: string): void {
  const tensor = model.graph.initializers.get(parameter);
  if (tensor === undefined) throw new Error(`There is no initializer ${parameter} to train.`);
  if (tensor.elementType !== 'float32') {
    throw notTrainable(
      parameter,
      `its elements are ${tensor.elementType}, and only float32 and float16 are trained`,
    );
  }
}

interface Differentiated {
  readonly gradients: ReadonlyMap<string, string>;
  readonly dimsOf: (parameter: string) => readonly number[];
}

type Updates = Pick<TrainingStep, 'learningRate' | 'scalars' | 'states' | 'gradientNorm'>;

/** Appends the optimiser's update of every parameter, with its slots as inputs. */
function appendUpdates(
  builder: GraphBuilder,
  { gradients, dimsOf }: Differentiated,
  { parameters, optimizer, undecayed = [], clip = {} }: TrainingStepRequest,
): Updates {
  const missing = parameters.find((parameter) => !gradients.has(parameter));
  if (missing !== undefined) throw notTrainable(missing, 'the loss does not depend on it');
  const addScalar = (name: string): string => builder.addInput(builder.freshName(name), scalarType);
  const learningRate = addScalar('learningRate');
  const scalars = optimizer.scalars.map(addScalar);
  const { gradients: clipped, norm } = appendClipping(builder, gradients, clip);
  const states: TrainingState[] = [];
  for (const parameter of parameters) {
    const dims = dimsOf(parameter);
    const slots = optimizer.slots.map((slot) =>
      builder.addInput(builder.freshName(`${parameter}/${slot}`), { ...scalarType, shape: dims }),
    );
    const updated = optimizer.update(builder, {
      parameter,
      gradient: clipped.get(parameter) ?? '',
      slots,
      learningRate,
      scalars,
      decays: !undecayed.includes(parameter),
    });
    const state = { initializer: parameter, dims };
    states.push({ ...state, input: parameter, output: updated.parameter, kind: 'weight' });
    updated.slots.forEach((output, index) => {
      states.push({ ...state, input: slots[index] ?? '', output, kind: 'slot' });
    });
  }
  return { learningRate, scalars, states, ...(norm === undefined ? {} : { gradientNorm: norm }) };
}
