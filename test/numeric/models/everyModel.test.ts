import { strict as assert } from 'node:assert';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { analyses } from '../../../src/analyses/registry.js';
import { UserError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/logger.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { syntheticDataset } from '../../../src/data/synthetic.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { inspectModel } from '../../../src/onnx/inspect.js';
import type { Model } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { chooseBatchSize } from '../../../src/runs/batchSize.js';
import { runAnalysis } from '../../../src/runs/runAnalysis.js';
import { fixturesDir, itWithShared, samplesDir } from '../../support/paths.js';
import { arrayOf, runOn, statesOf } from '../../support/runHealth.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

/** Models of scikit-learn: one linear operator and no activation. */
const withoutActivations = ['lr_mnist_scikit', 'logreg_iris'];

/** Activations whose units are not on axis 1 of rank 4, nor on the last axis: after a Conv without its height. */
const unitAxes: Readonly<Record<string, number>> = { 'magika/ApplyActivation_1': 1 };

/** Numbers of float32 differ this much, relative to the layer's largest, between graphs that are optimised unlike. */
const roundingShare = 1e-4;

/** Share of outputs whose sign may differ: far below 0 a GELU is x (1 + tanh …), 0 but for the rounding of tanh. */
const signShare = 0.01;

describe('dead-neurons on every model at hand', () => {
  const folder = useTemporaryFolder();

  for (const [what, path] of [
    ['convolutions', join(samplesDir, 'digits-cnn', 'digits-cnn.onnx')],
    ['dead layers', join(samplesDir, 'dying-relu', 'dying-relu.onnx')],
    ['tanh and sigmoid', join(fixturesDir, 'oracle', 'mlp.onnx')],
  ] as const) {
    it(`recounts a model with ${what}`, () => checkModel(path));
  }

  itWithShared('recounts every shared model', async (shared) => {
    const paths = ['models', 'oracle'].flatMap((dir) =>
      readdirSync(join(shared, dir), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.onnx'))
        .map((path) => join(shared, dir, path)),
    );
    assert.ok(paths.length >= 27, `${paths.length} models`);
    for (const path of paths) await checkModel(path);
  });

  itWithShared('puts first the accuracy that the README of the ResNet states', async (shared) => {
    const input = { from: { first: 1, layout: 'HWC' }, layout: 'NCHW', scale: 1 };
    const data = {
      path: join(shared, 'models/data/cifar10_100.csv'),
      inputs: { input },
      labels: { from: 0 },
    };
    const inspectFile = join(folder(), 'resnet8.inspect.json');
    writeFileSync(inspectFile, JSON.stringify({ version: 1, data }));
    const { report } = await runAnalysis(
      {
        kind: 'run',
        analysis: 'dead-neurons',
        modelPath: join(shared, 'models/resnet8-cifar10/model.onnx'),
        dataPath: inspectFile,
        settings: {},
        seed: 0,
        provider: 'cpu',
      },
      { analyses, log: silentLogger, progress: () => undefined, partial: () => undefined },
    );
    assert.deepEqual(Object.entries(report.metrics)[0], ['accuracy', 0.88]);
    assert.equal(report.blocks[0]?.type, 'metrics');
    assert.equal(report.metrics['sampleCount'], 100);
    assert.equal(report.metrics['neuronCount'], 3 * 16 + 2 * 32 + 2 * 64);
  });
});

async function checkModel(path: string): Promise<void> {
  const model = await readModel(path);
  const data = syntheticDataset(model, { sampleCount: 2, seed: 1, integerBound: 50, openSize: 12 });
  if (withoutActivations.some((name) => path.includes(name))) {
    await assert.rejects(
      runOn(deadNeurons, model, data),
      (error) => error instanceof UserError && error.kind !== 'environment',
    );
    return;
  }
  const batchSize = chooseBatchSize({ model, sampleShapes: {}, memoryMegabytes: 256, wanted: undefined });
  const draft = await runOn(deadNeurons, convertToOpset17(model), data, {
    settings: { histogramBins: 0 },
    batchSize,
  });
  const activations = inspectModel(model).layers.filter(({ kind }) => kind === 'activation');
  assert.ok(activations.length > 0, path);
  const values = await valuesOf(
    model,
    data,
    activations.map(({ output }) => output),
  );
  for (const layer of activations) {
    const found = values.get(layer.output) ?? [];
    checkLayer(draft, layer.name, countUnits(found, axisOf(path, layer.name, found[0])));
  }
  assert.equal(draft.metrics['sampleCount'], data.sampleCount);
}

/** Runs the untouched graph with the values as its outputs. */
async function valuesOf(
  model: Model,
  data: Dataset,
  names: readonly string[],
): Promise<ReadonlyMap<string, TensorValue[]>> {
  const builder = new GraphBuilder(model);
  builder.setOutputs([...new Set(names)]);
  const session = await runtime.open(builder.build());
  const values = new Map<string, TensorValue[]>(names.map((name) => [name, []]));
  try {
    for await (const { feeds } of data.batches({ batchSize: 1 }, new AbortController().signal)) {
      const results = await session.run(feeds, [...values.keys()]);
      for (const [name, list] of values) list.push(results[name]!);
    }
  } finally {
    await session.close();
  }
  return values;
}

function axisOf(path: string, layer: string, value: TensorValue | undefined): number {
  const special = Object.keys(unitAxes).find((key) => {
    const [model = '', name = ''] = key.split('/');
    return path.includes(model) && layer.endsWith(name);
  });
  const rank = value?.dims.length ?? 0;
  return special === undefined ? (rank === 4 ? 1 : rank - 1) : (unitAxes[special] ?? 0);
}

interface UnitCount {
  maximum: number;
  positiveCount: number;
  elementCount: number;
}

/** Counts element by element, with nothing of the code under test. */
function countUnits(values: readonly TensorValue[], unitAxis: number): UnitCount[] {
  const dims = values[0]?.dims ?? [];
  const inner = dims.slice(unitAxis + 1).reduce((product, size) => product * size, 1);
  const unitCount = dims[unitAxis] ?? 0;
  const units = Array.from({ length: unitCount }, () => ({
    maximum: -Infinity,
    positiveCount: 0,
    elementCount: 0,
  }));
  for (const value of values) {
    toFloat64(value).forEach((element, i) => {
      const unit = units[Math.floor(i / inner) % unitCount]!;
      unit.maximum = Math.max(unit.maximum, element);
      unit.positiveCount += element > 0 ? 1 : 0;
      unit.elementCount++;
    });
  }
  return units;
}

function checkLayer(draft: ReportDraft, layer: string, units: readonly UnitCount[]): void {
  const maxima = arrayOf(draft, `${layer}.maximum`);
  const counts = arrayOf(draft, `${layer}.activeCount`);
  const states = statesOf(draft, layer);
  assert.equal(maxima.length, units.length, layer);
  const size = Math.max(...units.map(({ maximum }) => Math.abs(maximum)));
  for (const [unit, { maximum, positiveCount, elementCount }] of units.entries()) {
    const where = `${layer}[${unit}]`;
    assert.ok(Math.abs(maxima[unit]! - maximum) <= roundingShare * size, where);
    assert.ok(Math.abs(counts[unit]! - positiveCount) <= 1 + signShare * elementCount, where);
    if (maximum > roundingShare * size) assert.notEqual(states[unit], 'dead', where);
  }
}
