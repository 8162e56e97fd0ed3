import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { controlFlow } from '../../../src/analyses/health/control-flow.js';
import { createRandom } from '../../../src/base/random.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { PlanRunner } from '../../../src/engine/straightLine/runPlan.js';
import { splitControlFlow } from '../../../src/engine/straightLine/splitControlFlow.js';
import { bodiesOf } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { conditionalModel, loopModel } from '../../support/controlFlowModels.js';
import { itWithPackage, modelPackages } from '../../support/modelPackages.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { branchesByHand, branchingModel } from '../../support/plantedBranches.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

/** Two go to `outer` false, three to true: of these one is large. */
const samples = [
  [-1, -2],
  [0, 0],
  [1, 1],
  [2.5, 0.25],
  [4, -1],
];
const data = memoryDataset({ x: float32Tensor(samples.flat(), [samples.length, 2]) });
const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

describe('control-flow', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder('suite');
  let draft: ReportDraft;
  let files = '';

  before(async () => {
    files = join(folder(), 'pieces');
    draft = await runOn(controlFlow, branchingModel(), data, { settings: { folder: files } });
  });

  itHolds(
    221,
    'gives by pieces and a plan the outputs of the model on every branch, and counts the branches as planted',
    async () => {
      // By hand: 5 samples, every branch of both Ifs is taken; the outputs of whole and pieces are the same bits.
      const ways = samples.map(branchesByHand);
      const outer = [ways.filter((way) => !way.outer).length, ways.filter((way) => way.outer).length];
      const inner = [false, true].map((side) => ways.filter((way) => way.inner === side).length);
      assert.deepEqual(arrayOf(draft, 'branchTimes'), [...outer, ...inner]);
      assert.equal(draft.metrics['coveredShare'], 1);
      assert.equal(draft.metrics['maxError'], 0);
      const model = branchingModel();
      const runner = new PlanRunner(model, splitControlFlow(model), runtime);
      for (const [index, sample] of samples.entries()) {
        const { y, all } = await runner.run({ x: float32Tensor(sample, [1, 2]) });
        const picked = ways[index]?.picked ?? [];
        assert.deepEqual(
          [...toFloat64(y ?? assert.fail())],
          picked.map((value) => 4 * value),
        );
        assert.deepEqual(all?.dims, [3, 1, 2]);
      }
      await runner.close();
    },
  );

  it('says how long both take, and names what no sample takes', async () => {
    const times = draft.blocks.find(({ title }) => title === 'Run time');
    assert.ok(times?.type === 'table' && times.rows.every(({ msPerRow }) => Number(msPerRow) > 0));
    const few = memoryDataset({ x: float32Tensor([1, 1], [1, 2]) });
    const { findings, metrics } = await runOn(controlFlow, branchingModel(), few);
    assert.equal(metrics['coveredShare'], 0.5);
    assert.deepEqual(
      findings.map(({ message }) => /branch of (\S+) for (\w+)/.exec(message)?.slice(1)),
      [
        ['outer', 'false'],
        ['outer/then/inner', 'true'],
      ],
    );
  });

  it('writes pieces without control flow that run alone, and the plan', async () => {
    const plan = JSON.parse(readFileSync(join(files, 'plan.json'), 'utf8')) as {
      steps: { run?: string; inputs?: string[]; outputs?: string[]; if?: string }[];
    };
    const [first, choice] = plan.steps;
    assert.deepEqual([first?.run, choice?.if], ['piece-0.onnx', 'isPositive']);
    const piece = await readModel(join(files, first?.run ?? ''));
    assert.ok(piece.graph.nodes.every((node) => bodiesOf(node).length === 0));
    const session = await runtime.open(piece);
    const made = await session.run({ x: float32Tensor([1, -2], [1, 2]) });
    await session.close();
    assert.deepEqual([...(made['isPositive']?.data ?? [])], [0]);
    assert.ok(existsSync(join(files, 'piece-1.onnx')));
  });

  it('takes apart loops that end by a condition or after none, and Ifs on an input', async () => {
    const feeds = {
      x: { dtype: 'float64', dims: [1, 3], data: Float64Array.of(0.1, -0.2, 0.3) },
      h0: { dtype: 'float64', dims: [1, 3], data: Float64Array.of(0, 0, 0) },
      w: { dtype: 'float64', dims: [3, 3], data: Float64Array.from({ length: 9 }, (_, i) => i / 9) },
      b: { dtype: 'float64', dims: [3], data: Float64Array.of(1, 2, 3) },
    } as const;
    const { x, h0, w, b } = feeds;
    const flag = (isSet: number) => ({ dtype: 'bool', dims: [], data: Uint8Array.of(isSet) }) as const;
    const count = int64Tensor([4], []);
    const cases = [
      { model: loopModel('count'), feeds: { x, h0, w, count, limit: count } },
      { model: loopModel('condition'), feeds: { x, h0, w, count, limit: int64Tensor([2], []) } },
      { model: conditionalModel(), feeds: { x, w, b, flag: flag(1) } },
      { model: conditionalModel(), feeds: { x, w, b, flag: flag(0) } },
    ];
    for (const { model, feeds: given } of cases) {
      const names = new Set(model.graph.inputs.map(({ name }) => name));
      const used = Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name)));
      const whole = await runtime.open(model);
      const expected = await whole.run(used);
      await whole.close();
      const runner = new PlanRunner(model, splitControlFlow(model), runtime);
      assert.deepEqual(await runner.run(used), expected);
      await runner.close();
    }
  });

  // A detector of speech with an If for the sample rate, and more inside it.
  itWithPackage('gives the outputs of a trained model that branches', modelPackages.voice, async (dir) => {
    const feeds = {
      input: normalTensor(createRandom(1), [1, 512], 0.1),
      state: normalTensor(createRandom(2), [2, 1, 128], 0.1),
    };
    for (const rate of [16_000, 8_000]) {
      const model = convertToOpset17(await readModel(join(dir, 'weights', 'silero_vad.onnx')));
      const sr = int64Tensor([rate], []);
      const input = rate === 8_000 ? normalTensor(createRandom(1), [1, 256], 0.1) : feeds.input;
      const whole = await runtime.open(model);
      const expected = await whole.run({ ...feeds, input, sr });
      await whole.close();
      const split = splitControlFlow(model);
      assert.ok(split.points.length > 1 && split.kept.length === 0);
      const runner = new PlanRunner(model, split, runtime);
      const made = await runner.run({ ...feeds, input, sr });
      await runner.close();
      for (const [name, value] of Object.entries(expected)) {
        const [one, other] = [toFloat64(value), toFloat64(made[name] ?? assert.fail(name))];
        assert.deepEqual(made[name]?.dims, value.dims);
        // Float32: the runtime fuses other operators in the pieces.
        assert.ok(
          one.every((element, index) => Math.abs(element - (other[index] ?? NaN)) < 1e-5),
          name,
        );
      }
    }
  });

  it('refuses a model that goes one way only', async () => {
    const straight = { ...branchingModel(), graph: { ...branchingModel().graph, nodes: [] } };
    await assert.rejects(runOn(controlFlow, straight, data), { code: 'no-control-flow' });
  });
});
