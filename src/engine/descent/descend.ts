import { throwIfAborted, yieldToEventLoop } from '../../base/abort.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import type { Feeds, Session } from '../runtime/session.js';
import type { Optimizer } from '../training/optimizer.js';
import { scheduleFactor } from '../training/schedule.js';
import type { DescentStep } from './descentStep.js';

/** Where a descent begins and how far it goes. */
export interface DescentOptions {
  /** What is moved before the first step, z by default; shaped like the input. */
  readonly start: TensorValue;
  readonly stepCount: number;
  /** In units of z; falls along half a cosine to a hundredth. */
  readonly learningRate: number;
  readonly optimizer: Optimizer;
  /** What the other inputs are fed, the same at every step or not. */
  readonly feeds: Feeds | ((step: number) => Feeds);
  readonly signal: AbortSignal;
  /** Called before every step, and after the last, with what is known there. */
  onStep(state: DescentState): void;
}

/** A descent between two steps. */
export interface DescentState {
  /** Steps done. */
  readonly step: number;
  readonly z: TensorValue;
  /** The terms at z, each [N], in the order of the objective. */
  readonly terms: readonly Float64Array[];
}

/** Final rate over first rate: the last steps settle what the first ones found. */
const finalRate = 0.01;

/** Does the steps of a descent in an open session of its step and returns where it ends; a step is one run. */
export async function descend(
  session: Session,
  step: DescentStep,
  options: DescentOptions,
): Promise<DescentState> {
  const { stepCount, optimizer, start } = options;
  let states: readonly TensorValue[] = step.states.map((_, index) =>
    index === 0 ? start : float32Tensor(new Float32Array(start.data.length), start.dims),
  );
  for (let done = 0; ; done++) {
    throwIfAborted(options.signal);
    const scalars = optimizer.scalarsAt(done + 1);
    const rate = options.learningRate * cosine(done, stepCount);
    const outputs = await session.run({
      ...(typeof options.feeds === 'function' ? options.feeds(done) : options.feeds),
      ...Object.fromEntries(step.states.map(({ input }, index) => [input, states[index] ?? start])),
      [step.learningRate]: float32Tensor([rate], []),
      ...Object.fromEntries(
        step.scalars.map((name, index) => [name, float32Tensor([scalars[index] ?? NaN], [])]),
      ),
    });
    const [moved = start] = states;
    const state = {
      step: done,
      z: step.z === step.states[0]?.input ? moved : outputOf(outputs, step.z),
      terms: step.terms.map(({ value }) => toFloat64(outputOf(outputs, value))),
    };
    options.onStep(state);
    // The last run only measures where the last step led.
    if (done === stepCount) return state;
    states = step.states.map(({ output }) => outputOf(outputs, output));
    await yieldToEventLoop();
  }
}

function cosine(step: number, stepCount: number): number {
  const time = { step, stepCount, epoch: step, epochCount: stepCount };
  return scheduleFactor({ kind: 'cosine', final: finalRate }, time);
}

function outputOf(outputs: Feeds, name: string): TensorValue {
  const value = outputs[name];
  if (value === undefined) throw new Error(`The step returned no ${name}.`);
  return value;
}
