import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Session } from '../../src/engine/runtime/session.js';
import type { Model } from '../../src/onnx/model.js';
import { readModel } from '../../src/onnx/readModel.js';
import { float32Tensor, toFloat64 } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { growTrees, type GrownNode } from './boosting.js';
import {
  cartColumns,
  type CartState,
  hasFallen,
  startState,
  stepCart,
  teacherAction,
  teacherReturn,
} from './cartPole.js';
import { emptyModel } from './network.js';
import type { Sample } from './sample.js';
import { layTrees } from './treeModel.js';

const seed = 1;
const [trainingCount, heldOutCount, episodeCount, longestEpisode] = [8000, 500, 100, 500];
const discount = 0.98;
const growth = { roundCount: 60, depth: 4, leastLeafRows: 20, thresholdCount: 40 };
/** The two actions learn faster than the value that shares their trees. */
const learningRates = [0.4, 0.4, 0.15];

/** Gradient-boosted trees that balance a pole: the scores of two actions and a value, all of the same trees. */
export const cartPoleTrees: Sample = {
  name: 'cart-pole-trees',
  async make({ dir, log }) {
    const random = createRandom(seed);
    const training = statesOf(random, trainingCount);
    const heldOut = statesOf(random, heldOutCount);
    const meanValue = mean(training.map(({ value }) => value));
    const trees = growTrees(
      {
        rowCount: trainingCount,
        featureCount: cartColumns.length,
        features: Float32Array.from(training.flatMap(({ state }) => state)),
      },
      { ...growth, learningRates, pull: (row, outputs) => pullOf(training[row], outputs, meanValue) },
    );
    const path = join(dir, 'cart-pole-trees.onnx');
    await writeModel(modelOf(trees, meanValue), path);
    writeFileSync(join(dir, 'data', 'states.csv'), csvOf(heldOut));
    writeFileSync(join(dir, 'cart-pole-trees.inspect.json'), `${JSON.stringify(inspectFile, null, 2)}\n`);
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(await readModel(path));
    const { accuracy, valueError } = await judge(session, heldOut);
    const balancedSteps = await meanEpisode(session, createRandom(seed + 1));
    await session.close();
    log(`value error ${valueError.toFixed(4)}, balances ${balancedSteps.toFixed(0)} steps`);
    return {
      description:
        'Gradient-boosted trees that balance a pole on a cart: a policy and a value that share their trees.',
      recipe: { seed, ...growth, learningRates, discount, trainingStates: trainingCount },
      data: {
        training: 'simulated states, labelled by a linear teacher',
        committed: `${heldOutCount} states not trained on`,
      },
      metric: {
        name: 'accuracy',
        value: accuracy,
        on: `the teacher's actions in ${heldOutCount} states not trained on`,
      },
      more: { valueError, balancedSteps, longestEpisode, episodeCount },
      files: ['cart-pole-trees.onnx', 'data/states.csv'],
    };
  },
};

interface Labelled {
  readonly state: CartState;
  readonly action: number;
  readonly value: number;
}

/** States along episodes of a teacher that is disturbed, so that recoveries are seen too. */
function statesOf(random: Random, count: number): Labelled[] {
  const found: Labelled[] = [];
  let state = startState(random);
  for (let age = 0; found.length < count; age++) {
    if (hasFallen(state) || age > 40) {
      state = startState(random);
      age = 0;
    }
    const rounded = state.map((number) => Math.fround(Number(number.toFixed(4)))) as unknown as CartState;
    found.push({ state: rounded, action: teacherAction(rounded), value: teacherReturn(rounded, discount) });
    state = stepCart(state, random.next() < 0.3 ? random.integer(2) : teacherAction(state));
  }
  return found;
}

/** Negative gradients: of the cross-entropy of the two actions, and of half the squared error of the value. */
function pullOf(labelled: Labelled | undefined, outputs: Float64Array, meanValue: number): readonly number[] {
  const [left = 0, right = 0, value = 0] = outputs;
  const pushRight = 1 / (1 + Math.exp(left - right));
  const isRight = labelled?.action ?? 0;
  const rest = (labelled?.value ?? 0) - meanValue - value;
  return [pushRight - isRight, isRight - pushRight, rest];
}

function modelOf(trees: readonly GrownNode[], meanValue: number): Model {
  const empty = emptyModel('cart-pole-trees');
  const builder = new GraphBuilder({ ...empty, opsets: new Map([...empty.opsets, ['ai.onnx.ml', 3]]) });
  const input = builder.addInput('state', { kind: 'tensor', elementType: 'float32', shape: ['N', 4] });
  const baseValues = [0, 0, Math.fround(meanValue)];
  const scores = layTrees(builder, trees, { name: 'trees', input, output: 'scores', baseValues });
  for (const [name, start, end] of [
    ['policy', 0, 2],
    ['value', 2, 3],
  ] as const) {
    builder.node('Slice', [scores, builder.int64s([start]), builder.int64s([end]), builder.int64s([1])], {
      outputs: [name],
    });
    builder.addOutput(name, { kind: 'tensor', elementType: 'float32', shape: ['N', end - start] });
  }
  return builder.build();
}

function csvOf(rows: readonly Labelled[]): string {
  const lines = rows.map(({ state, action }) =>
    [...state.map((number) => number.toFixed(4)), action === 1 ? 'push right' : 'push left'].join(','),
  );
  return `${[...cartColumns, 'action'].join(',')}\n${lines.join('\n')}\n`;
}

const inspectFile = {
  $schema: '../../media/schemas/inspect-file.schema.json',
  version: 1,
  model: 'cart-pole-trees.onnx',
  data: {
    path: 'data/states.csv',
    kind: 'csv',
    inputs: { state: { from: { columns: cartColumns }, layout: 'NC' } },
    labels: { from: 'action', names: ['push left', 'push right'] },
  },
};

async function actionsOf(
  session: Session,
  states: readonly CartState[],
): Promise<{ readonly actions: number[]; readonly values: Float64Array }> {
  const state = float32Tensor(Float32Array.from(states.flat()), [states.length, 4]);
  const { policy, value } = await session.run({ state });
  if (policy === undefined || value === undefined) throw new Error('The model left out an output.');
  const scores = toFloat64(policy);
  const actions = states.map((_, row) => Number((scores[2 * row + 1] ?? 0) > (scores[2 * row] ?? 0)));
  return { actions, values: toFloat64(value) };
}

async function judge(
  session: Session,
  heldOut: readonly Labelled[],
): Promise<{ readonly accuracy: number; readonly valueError: number }> {
  const { actions, values } = await actionsOf(
    session,
    heldOut.map(({ state }) => state),
  );
  return {
    accuracy: mean(heldOut.map(({ action }, row) => Number(action === actions[row]))),
    valueError: mean(heldOut.map(({ value }, row) => Math.abs(value - (values[row] ?? NaN)))),
  };
}

/** Steps until the pole falls when the trees push, the mean over starts near the upright. */
async function meanEpisode(session: Session, random: Random): Promise<number> {
  const starts = Array.from({ length: episodeCount }, () =>
    Array.from({ length: 4 }, () => 0.1 * (random.next() - 0.5)),
  );
  let states = starts as unknown as CartState[];
  let steps = 0;
  for (let step = 0; step < longestEpisode && states.length > 0; step++) {
    const { actions } = await actionsOf(session, states);
    states = states.map((state, i) => stepCart(state, actions[i] ?? 0)).filter((state) => !hasFallen(state));
    steps += states.length;
  }
  return steps / episodeCount;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
