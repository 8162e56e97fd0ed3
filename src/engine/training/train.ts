import { throwIfAborted } from '../../base/abort.js';
import type { Random } from '../../base/random.js';
import { loadTensor } from '../../onnx/loadTensor.js';
import type { Model, Tensor } from '../../onnx/model.js';
import { float32Tensor, type TensorValue } from '../../onnx/tensorValue.js';
import type { Feeds, Runtime, Session } from '../runtime/session.js';
import { adamDefaults } from './adam.js';
import { buildTrainingStep, type TrainingStep, type TrainingStepRequest } from './trainingStep.js';

/** A mini-batch: the model's inputs and the class of each sample. */
export interface LabelledBatch {
  readonly feeds: Feeds;
  readonly labels: Int32Array;
}

/** How a model is trained. */
export interface TrainingRequest extends TrainingStepRequest {
  readonly epochCount: number;
  readonly sampleCount: number;
  readonly random: Random;
  /** Streams the samples of one epoch in the given order, in mini-batches. */
  batches(order: Uint32Array): AsyncIterable<LabelledBatch>;
  /** Multiplies the learning rate, by the share of training done (0 … 1); default 1 throughout. */
  schedule?(fractionDone: number): number;
  /** Called after every step. */
  onStep?(progress: TrainingProgress): void;
}

/** Where training stands. */
export interface TrainingProgress {
  /** Steps done, from 1. */
  readonly step: number;
  /** Epochs done, with fraction. */
  readonly epoch: number;
  /** Mean cross-entropy of the step's batch, in nats. */
  readonly loss: number;
}

/**
 * Returns the model with its parameters trained by Adam on mean cross-entropy; a step is one run of one graph.
 *
 * Samples are shuffled anew each epoch by the passed generator. Equal seeds give equal weights on one machine and
 * thread count; the runtime's kernels may round otherwise elsewhere.
 *
 * @throws UserError when an operator on the way has no gradient rule.
 */
export async function train(
  model: Model,
  runtime: Runtime,
  request: TrainingRequest,
  signal?: AbortSignal,
): Promise<Model> {
  const step = buildTrainingStep(model, request);
  const session = await runtime.open(step.model);
  try {
    let state = await initialState(model, step);
    let stepCount = 0;
    for (let epoch = 0; epoch < request.epochCount; epoch++) {
      let samplesDone = 0;
      for await (const batch of request.batches(request.random.permutation(request.sampleCount))) {
        throwIfAborted(signal);
        const fractionDone = (epoch + samplesDone / request.sampleCount) / request.epochCount;
        stepCount++;
        const factor = request.schedule?.(fractionDone) ?? 1;
        const feeds = { ...batch.feeds, ...state, ...scalarFeeds(step, request, stepCount, factor) };
        const run = await runStep(session, step, { ...feeds, ...labelFeed(step, batch) });
        state = run.state;
        samplesDone += batch.labels.length;
        request.onStep?.({
          step: stepCount,
          epoch: epoch + samplesDone / request.sampleCount,
          loss: run.loss,
        });
      }
    }
    return withParameters(model, state, request.parameters);
  } finally {
    await session.close();
  }
}

type State = Record<string, TensorValue>;

async function initialState(model: Model, step: TrainingStep): Promise<State> {
  const state: State = {};
  for (const [parameter, names] of step.parameters) {
    const tensor = model.graph.initializers.get(parameter);
    if (tensor === undefined) throw new Error(`There is no parameter ${parameter}.`);
    const value = await loadTensor(tensor);
    state[parameter] = value;
    state[names.first] = float32Tensor(new Float32Array(value.data.length), value.dims);
    state[names.second] = float32Tensor(new Float32Array(value.data.length), value.dims);
  }
  return state;
}

async function runStep(
  session: Session,
  step: TrainingStep,
  feeds: Feeds,
): Promise<{ readonly state: State; readonly loss: number }> {
  const outputs = await session.run(feeds);
  const state: State = {};
  for (const [parameter, names] of step.parameters) {
    state[parameter] = outputOf(outputs, names.updated.parameter);
    state[names.first] = outputOf(outputs, names.updated.first);
    state[names.second] = outputOf(outputs, names.updated.second);
  }
  return { state, loss: Number(outputOf(outputs, step.loss).data[0]) };
}

function outputOf(outputs: Feeds, name: string): TensorValue {
  const value = outputs[name];
  if (value === undefined) throw new Error(`The training step returned no ${name}.`);
  return value;
}

function labelFeed(step: TrainingStep, batch: LabelledBatch): State {
  const data = BigInt64Array.from(batch.labels, (label) => BigInt(label));
  return { [step.labels]: { dtype: 'int64', dims: [data.length], data } };
}

function scalarFeeds(step: TrainingStep, request: TrainingRequest, stepCount: number, factor: number): State {
  const { learningRate, beta1, beta2 } = adamDefaults(request.adam);
  return {
    [step.scalars.learningRate]: float32Tensor([learningRate * factor], []),
    [step.scalars.firstCorrection]: float32Tensor([1 / (1 - beta1 ** stepCount)], []),
    [step.scalars.secondCorrection]: float32Tensor([1 / (1 - beta2 ** stepCount)], []),
  };
}

function withParameters(model: Model, state: State, parameters: readonly string[]): Model {
  const initializers = new Map<string, Tensor>(model.graph.initializers);
  for (const name of parameters) {
    const value = state[name];
    if (value === undefined || Array.isArray(value.data)) throw new Error(`The parameter ${name} was lost.`);
    const { buffer, byteOffset, byteLength } = value.data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice();
    initializers.set(name, {
      name,
      elementType: value.dtype,
      dims: value.dims,
      source: { kind: 'inline', bytes },
    });
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
