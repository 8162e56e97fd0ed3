import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTimeline } from '../../../src/analyses/compare/timeline.js';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import type { Analysis } from '../../../src/analyses/analysis.js';
import { UserError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/logger.js';
import { writeNpz } from '../../../src/data/npz.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import type { Report } from '../../../src/protocol/report.js';
import type { SettingValues } from '../../../src/protocol/settings.js';
import { type FinishedRun, runAnalysis, RunFailed } from '../../../src/runs/runAnalysis.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const unitCount = 32;

/** One input that is always 1: the first `deadCount` of its ReLU units have weight −1, the others 1. */
function planted(deadCount: number, metadata: Readonly<Record<string, string>> = {}): Model {
  const builder = new GraphBuilder({ ...emptyModel(), metadata: new Map(Object.entries(metadata)) });
  const x = builder.addInput('x', floatType('N', 1));
  const signs = Float32Array.from({ length: unitCount }, (_, i) => (i < deadCount ? -1 : 1));
  const weight = builder.constant(float32Tensor(signs, [1, unitCount]), 'fc1.weight');
  const dense = builder.node('MatMul', [x, weight], { outputs: ['h'], name: '/fc1/MatMul' });
  const active = builder.node('Relu', [dense], { outputs: ['y'], name: '/act/Relu' });
  builder.addOutput(active, floatType('N', unitCount));
  return builder.build();
}

describe('timeline', () => {
  const folder = useTemporaryFolder('suite');
  /** R₀ − c / t^α with R₀ = 0.75, c = 0.5, α = 1: whole numbers of 32 units at each of these steps. */
  const steps = [1, 2, 4, 8, 16];
  const shareAt = (step: number): number => 0.75 - 0.5 / step;
  let runCount = 0;
  const counting: Analysis = {
    ...(deadNeurons as Analysis),
    run: (context, settings) => {
      runCount++;
      return (deadNeurons as Analysis).run(context, settings);
    },
  };
  const analyses = [createTimeline([counting])] as Analysis[];
  let partials: Report[] = [];

  async function run(settings: SettingValues): Promise<FinishedRun> {
    [runCount, partials] = [0, []];
    return runAnalysis(
      {
        ...{ kind: 'run', analysis: 'timeline', seed: 0, provider: 'cpu' },
        modelPath: join(folder(), 'run/step-16.onnx'),
        dataPath: join(folder(), 'data/ones.npz'),
        answersDir: join(folder(), 'answers'),
        settings: { checkpoints: join(folder(), 'run/step-*.onnx'), ...settings },
      },
      {
        ...{ analyses, log: silentLogger, progress: () => undefined },
        partial: (report) => {
          partials.push(report);
        },
      },
    );
  }

  let finished: FinishedRun;
  const arrayOf = (name: string): number[] => [...toFloat64(finished.arrays.get(name) as TensorValue)];

  before(async () => {
    for (const part of ['run', 'data']) mkdirSync(join(folder(), part));
    for (const step of steps) {
      await writeModel(planted(unitCount * shareAt(step)), join(folder(), `run/step-${String(step)}.onnx`));
    }
    await writeNpz(join(folder(), 'data/ones.npz'), {
      x: float32Tensor(new Float32Array(8).fill(1), [8, 1]),
    });
    const whole = readFileSync(join(folder(), 'run/step-8.onnx'));
    writeFileSync(join(folder(), 'run/step-12.onnx'), whole.subarray(0, whole.length / 2));
    finished = await run({ metrics: 'deadShare', fit: 'power', tokensPerStep: 1e6 });
  });

  it('takes the checkpoints by number and recovers what was planted in each', () => {
    assert.deepEqual(
      arrayOf('times'),
      [1, 2, 4, 8, 12, 16].map((step) => 1e6 * step),
    );
    assert.deepEqual(arrayOf('values'), [...steps.slice(0, 4).map(shareAt), NaN, shareAt(16)]);
    const { metrics } = finished.report;
    assert.deepEqual([metrics['firstValue'], metrics['lastValue']], [0.25, shareAt(16)]);
    assert.match(finished.report.summary, /^Dead share went from 25\.0 % at token 1,000,000 to 71\.9 % at /);
  });

  itHolds(231, 'fits the increasing power law in tokens that the checkpoints were made by', () => {
    assert.ok(Math.abs(Number(finished.report.metrics['fitRSquared']) - 1) < 1e-9);
    const table = finished.report.blocks.find(({ title }) => title === 'Curves through Dead share');
    assert.ok(table?.type === 'table' && 'rows' in table);
    const rows = table.rows as readonly Record<string, unknown>[];
    const valueOf = (name: string): number =>
      Number(rows.find(({ parameter }) => parameter === name)?.['value']);
    assert.ok(Math.abs(valueOf('R0') - 0.75) < 1e-6);
    assert.ok(Math.abs(valueOf('alpha') - 1) < 1e-5);
    assert.ok(Math.abs(valueOf('c') / 0.5e6 - 1) < 1e-4);
  });

  it('keeps the others where a file is truncated, and says which and why', () => {
    const { report } = finished;
    assert.equal(report.status, 'partial');
    assert.deepEqual([report.metrics['checkpointCount'], report.metrics['failedCount']], [5, 1]);
    assert.match(
      report.findings[0]?.message ?? '',
      /^Checkpoint step-12 was not measured: [^/\\]*step-12\.onnx/,
    );
  });

  it('makes a report of every checkpoint, of its own model, and shows what is known meanwhile', () => {
    const names = steps.map((step) => `step-${String(step)}`);
    assert.deepEqual(
      finished.report.parts?.map(({ of }) => of),
      names,
    );
    assert.deepEqual(
      finished.parts.map(({ model }) => model.name),
      names,
    );
    assert.deepEqual(
      finished.parts.map(({ metrics }) => metrics['deadShare']),
      steps.map(shareAt),
    );
    assert.equal(new Set(finished.parts.map(({ model }) => model.sha256)).size, steps.length);
    assert.ok(partials.some(({ parts }) => parts !== undefined && parts.length > 0));
  });

  it('measures only what is new when it is run again', async () => {
    assert.equal(runCount, 5);
    copyFileSync(join(folder(), 'run/step-8.onnx'), join(folder(), 'run/step-12.onnx'));
    await writeModel(planted(21), join(folder(), 'run/step-32.onnx'));
    const again = await run({ metrics: 'deadShare' });
    // The mended checkpoint has the bytes of another one, whose answer is known.
    assert.equal(runCount, 1);
    assert.equal(again.report.metrics['checkpointCount'], 7);
    assert.equal(again.report.metrics['lastValue'], 21 / unitCount);
    const first = again.parts[0];
    assert.deepEqual(first?.blocks, finished.parts[0]?.blocks);
    await run({ metrics: 'deadShare', options: 'epsilon=0.01' });
    assert.equal(runCount, 6, 'another setting is another question');
  });

  it('takes steps from metadata, or as they are given, and refuses a wrong number of them', async () => {
    const paths = [300, 20].map((step, i) => ({ step, path: join(folder(), `run/other-${String(i)}.onnx`) }));
    for (const { step, path } of paths) await writeModel(planted(step / 20, { epoch: String(step) }), path);
    const checkpoints = paths.map(({ path }) => path).join(';');
    const timesOf = async (settings: SettingValues): Promise<number[]> => [
      ...toFloat64((await run({ checkpoints, ...settings })).arrays.get('times') as TensorValue),
    ];
    assert.deepEqual(await timesOf({ stepKey: 'epoch' }), [20, 300]);
    assert.deepEqual(await timesOf({}), [0, 1]);
    assert.deepEqual(await timesOf({ steps: '7, 5' }), [5, 7]);
    for (const [settings, code] of [
      [{ steps: '1,2,3' }, 'bad-setting'],
      [{ metrics: 'deadShar' }, 'unknown-metric'],
      [{ options: 'epsilon=-1' }, 'bad-setting'],
    ] as const) {
      await assert.rejects(
        run({ checkpoints, ...settings }),
        (error) =>
          error instanceof RunFailed && error.cause instanceof UserError && error.cause.code === code,
      );
    }
  });
});
