import { throwIfAborted } from '../../base/abort.js';
import { type Random, restoreRandom } from '../../base/random.js';
import { loadTensor } from '../../onnx/loadTensor.js';
import type { Model, Tensor } from '../../onnx/model.js';
import { float32Tensor, type TensorValue } from '../../onnx/tensorValue.js';
import type { Feeds, Runtime } from '../runtime/session.js';
import type { Checkpoint } from './checkpoint.js';
import { type EpochPlan, type PlannedStep, planSteps, stepCountOf } from './epochs.js';
import { type Schedule, scheduleFactor } from './schedule.js';
import { withMasterWeights } from './masterWeights.js';
import { openStepRunner, type StepResults, type StepRunner, type States } from './stepRunner.js';
import { checkpointMismatch } from './trainingErrors.js';
import { buildTrainingStep, type TrainingStep, type TrainingStepRequest } from './trainingStep.js';

/** How a model is trained. */
export interface TrainingRequest extends TrainingStepRequest, EpochPlan {
  readonly learningRate: number;
  /** Default: constant. */
  readonly schedule?: Schedule;
  /** Shuffles each epoch. */
  readonly random: Random;
  /**
   * Returns the model's inputs and the loss's targets for some samples.
   *
   * Noise and augmentation draw from `random`, so that a resumed training draws the same.
   */
  batch(samples: Uint32Array, random: Random): Feeds | Promise<Feeds>;
  /** Steps that one run of the runtime does, weights staying inside between them; default 1. No bit depends on it. */
  readonly stepsPerRun?: number;
  /** Where to go on. */
  readonly resume?: Checkpoint;
  /** Where to put a checkpoint after every so many steps. */
  readonly checkpoints?: {
    readonly everySteps: number;
    readonly save: (checkpoint: Checkpoint) => void | Promise<void>;
  };
  /** Called after every step. */
  onStep?(progress: TrainingProgress): void;
}

/** What a step did. */
export interface TrainingProgress {
  /** Steps done, from 1. */
  readonly step: number;
  /** Epochs done, with fraction. */
  readonly epoch: number;
  /** The loss of the step's batch, before the step. */
  readonly loss: number;
  readonly learningRate: number;
  /** Norm of all gradients before they were scaled; there where they are clipped by it. */
  readonly gradientNorm?: number;
}

/**
 * Returns the model with its parameters trained; a step is one run of one graph, or a part of one (`stepsPerRun`).
 *
 * Float16 parameters are trained as float32 copies and come back rounded; so are they in checkpoints.
 *
 * Equal seeds give equal weights on one machine and thread count, resumed or not; the runtime's kernels may round
 * otherwise elsewhere.
 *
 * @throws UserError `not-trainable`, `checkpoint-mismatch`; when an operator on the way has no gradient rule.
 */
export async function train(
  model: Model,
  runtime: Runtime,
  request: TrainingRequest,
  signal?: AbortSignal,
): Promise<Model> {
  const mastered = await withMasterWeights(model, request.parameters);
  const step = buildTrainingStep(mastered.model, request);
  const start = request.resume?.states ?? (await initialStates(mastered.model, step));
  checkStates(start, step);
  const runner = await openStepRunner(runtime, step, request.stepsPerRun ?? 1);
  try {
    const states = await runEpochs({ step, runner, request, signal }, start);
    return await mastered.restore(withWeights(mastered.model, step, states), runtime);
  } finally {
    await runner.close();
  }
}

interface Training {
  readonly step: TrainingStep;
  readonly runner: StepRunner;
  readonly request: TrainingRequest;
  readonly signal: AbortSignal | undefined;
}

/** A step with what it is fed. */
interface FedStep extends PlannedStep {
  readonly feeds: Feeds;
  readonly learningRate: number;
}

async function runEpochs(training: Training, start: States): Promise<States> {
  const { request, signal } = training;
  const { resume, checkpoints, stepsPerRun = 1 } = request;
  const random = resume === undefined ? request.random : restoreRandom(resume.random);
  let states = start;
  let waiting: FedStep[] = [];
  const flush = async (): Promise<void> => {
    throwIfAborted(signal);
    if (waiting.length === 0) return;
    const results = await training.runner.run(
      states,
      waiting.map((step) => step.feeds),
    );
    states = results.states;
    tell(request, waiting, results);
    waiting = [];
  };
  for (const planned of planSteps(request, random, resume)) {
    // The last batch of an epoch may be smaller, and a run takes batches of one size.
    if (waiting[0] !== undefined && waiting[0].samples.length !== planned.samples.length) await flush();
    waiting.push(await feed(training, planned, random));
    const place = planned.after();
    const isSaved = checkpoints !== undefined && place.step % checkpoints.everySteps === 0;
    if (isSaved || waiting.length >= stepsPerRun) await flush();
    if (isSaved) await checkpoints.save({ ...place, states });
  }
  await flush();
  return states;
}

async function feed({ step, request }: Training, planned: PlannedStep, random: Random): Promise<FedStep> {
  const { before, samples } = planned;
  const learningRate =
    request.learningRate *
    scheduleFactor(request.schedule ?? { kind: 'constant' }, {
      step: before.step,
      stepCount: stepCountOf(request),
      epoch: before.epoch + before.samplesDone / request.sampleCount,
      epochCount: request.epochCount,
    });
  const scalars = request.optimizer.scalarsAt(before.step + 1);
  const feeds: Record<string, TensorValue> = { ...(await request.batch(samples, random)) };
  feeds[step.learningRate] = float32Tensor([learningRate], []);
  step.scalars.forEach((name, index) => {
    feeds[name] = float32Tensor([scalars[index] ?? NaN], []);
  });
  return { ...planned, feeds, learningRate };
}

function tell(request: TrainingRequest, done: readonly FedStep[], results: StepResults): void {
  done.forEach(({ before, samples, learningRate }, index) => {
    const gradientNorm = results.gradientNorms[index];
    request.onStep?.({
      step: before.step + 1,
      epoch: before.epoch + (before.samplesDone + samples.length) / request.sampleCount,
      loss: results.losses[index] ?? NaN,
      learningRate,
      ...(gradientNorm === undefined ? {} : { gradientNorm }),
    });
  });
}

async function initialStates(model: Model, step: TrainingStep): Promise<States> {
  const states = new Map<string, TensorValue>();
  for (const { input, initializer, kind } of step.states) {
    const tensor = model.graph.initializers.get(initializer);
    if (tensor === undefined) throw new Error(`There is no initializer ${initializer}.`);
    const value = await loadTensor(tensor);
    const { length } = value.data;
    states.set(input, kind === 'slot' ? float32Tensor(new Float32Array(length), value.dims) : value);
  }
  return states;
}

function checkStates(states: States, step: TrainingStep): void {
  const wanted = new Set(step.states.map((state) => state.input));
  const missing = [...wanted].find((name) => !states.has(name));
  if (missing !== undefined) throw checkpointMismatch(`it has no "${missing}"`);
  const extra = [...states.keys()].find((name) => !wanted.has(name));
  if (extra !== undefined) throw checkpointMismatch(`it has "${extra}", which this training does not`);
}

function withWeights(model: Model, step: TrainingStep, states: States): Model {
  const initializers = new Map<string, Tensor>(model.graph.initializers);
  for (const { input, initializer, kind } of step.states) {
    if (kind === 'slot') continue;
    const value = states.get(input);
    if (value === undefined || Array.isArray(value.data)) throw new Error(`The parameter ${input} was lost.`);
    const { buffer, byteOffset, byteLength } = value.data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice();
    initializers.set(initializer, {
      name: initializer,
      elementType: value.dtype,
      dims: value.dims,
      source: { kind: 'inline', bytes },
    });
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
