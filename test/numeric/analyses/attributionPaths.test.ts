import assert from 'node:assert/strict';
import { unsharedWork } from '../../../src/analyses/sharedWork.js';
import type { AnalysisContext } from '../../../src/analyses/analysis.js';
import type { CutValue } from '../../../src/analyses/prediction/attribution/cut.js';
import { openField } from '../../../src/analyses/prediction/attribution/field.js';
import { openPaths } from '../../../src/analyses/prediction/attribution/paths.js';
import type { PathRequest } from '../../../src/analyses/prediction/attribution/pathPlan.js';
import { readRows } from '../../../src/analyses/prediction/attribution/rows.js';
import { rowTypes } from '../../../src/analyses/prediction/attribution/rowTypes.js';
import { silentLogger } from '../../../src/base/logger.js';
import { createRandom } from '../../../src/base/random.js';
import { openModels } from '../../../src/runs/openModels.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { quadrature } from '../../../src/engine/numeric/quadrature.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { elementCountOf, float32Tensor } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { range } from '../../support/tensors.js';

// Float32 sums of a few hundred terms of order one, in two orders.
const rounding = 2e-5;
const rowCount = 3;
const rule = quadrature('gauss-legendre', 7);

interface Subject {
  readonly model: Model;
  readonly feeds: Feeds;
  readonly coordinates: readonly CutValue[];
  readonly value: string;
  readonly sites?: readonly CutValue[];
  readonly gate?: PathRequest['gate'];
}

const random = createRandom(21);
const starts = normalTensor(random, [rowCount * 64]).data as Float32Array;

/** Sums along the paths from `starts` to the rows, by the paths' own graphs and point by point. */
async function bothWays(
  subject: Subject,
  batchSize: number,
): Promise<{ readonly summed: Float64Array[]; readonly pointwise: Float64Array[] }> {
  const { model, feeds, coordinates, value, sites = coordinates } = subject;
  const context: AnalysisContext = {
    model,
    data: memoryDataset(feeds),
    runtime: createRuntime({ provider: 'cpu', threadCount: 2 }),
    random: createRandom(0),
    batchSize,
    limit: undefined,
    log: silentLogger,
    shared: unsharedWork,
    signal: new AbortController().signal,
    openData: (path) => openDataset(path, model),
    openModels: (path, options) => openModels(path, model, options),
    ask: () => Promise.reject(new Error('Attribution asks no other model.')),
    progress: () => undefined,
    partial: () => undefined,
  };
  const rows = await readRows(context);
  const indices = range(0, rowCount).map((row) => [row % 2]);
  const request = {
    model,
    types: await rowTypes(context, rows),
    selection: { kind: 'element', value, indices },
    coordinates,
    gate: subject.gate,
    rows,
    onBatch: () => undefined,
  } as const;
  const size = (coordinate: number): number => elementCountOf(coordinates[coordinate]!.dims);
  const start = (row: number, c: number): Float32Array => starts.subarray(row * 64, row * 64 + size(c));
  const end = (row: number, c: number): Float32Array =>
    (feeds[coordinates[c]!.value]!.data as Float32Array).subarray(row * size(c), (row + 1) * size(c));
  const empty = (): Float64Array[] =>
    sites.map(({ dims }) => new Float64Array(rowCount * elementCountOf(dims)));
  const add = (target: Float64Array, row: number, gradient: ArrayLike<number>, weight: number): void => {
    for (let i = 0; i < gradient.length; i++) target[row * gradient.length + i]! += weight * gradient[i]!;
  };

  const summed = empty();
  const paths = openPaths(
    context,
    subject.sites === undefined ? request : { ...request, sites: subject.sites },
  );
  const ends = {
    count: rowCount,
    rowOf: (path: number) => path,
    writeStart: (path: number, c: number, target: Float32Array) => {
      target.set(start(path, c));
    },
    writeEnd: (path: number, c: number, target: Float32Array) => {
      target.set(end(path, c));
    },
  };
  await paths.gradients(ends, rule, ({ path, site, gradient }) => {
    add(summed[site]!, path, gradient, 1);
  });
  await paths.close();

  const pointwise = empty();
  const field = openField(context, { ...request, sites: sites.map((site) => site.value) });
  const points = {
    count: rowCount * 7,
    rowOf: (point: number) => Math.floor(point / 7),
    write: (point: number, c: number, target: Float32Array) => {
      const [from, to] = [start(Math.floor(point / 7), c), end(Math.floor(point / 7), c)];
      for (let i = 0; i < target.length; i++) {
        target[i] = from[i]! + rule.points[point % 7]! * (to[i]! - from[i]!);
      }
    },
  };
  await field.gradients(points, ({ point, site, gradient }) => {
    add(pointwise[site]!, Math.floor(point / 7), gradient, rule.weights[point % 7]!);
  });
  await field.close();
  return { summed, pointwise };
}

async function assertSame(subject: Subject, batchSize: number): Promise<void> {
  const { summed, pointwise } = await bothWays(subject, batchSize);
  for (const [site, values] of pointwise.entries()) {
    assert.ok(values.some((value) => Math.abs(value) > 0.01));
    for (const [i, value] of values.entries()) {
      const found = summed[site]![i]!;
      assert.ok(
        Math.abs(found - value) < rounding,
        `site ${site}, element ${i}: ${found}, expected ${value}`,
      );
    }
  }
}

function at(value: string, ...dims: number[]): CutValue {
  return { value, elementType: 'float32', dims };
}

function dense(): Subject {
  return {
    model: denseModel([6, 16, 8, 3], 'Tanh', 5),
    feeds: { x: normalTensor(random, [rowCount, 6]) },
    coordinates: [at('x', 6)],
    value: 'logits',
  };
}

/** A convolutional net with a skip past its first nonlinearity, and a second input that comes in behind it. */
function imageSubject(): Subject {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 2, 5, 5));
  const side = builder.addInput('side', floatType('N', 4));
  const held = builder.addInput('held', floatType('N', 4));
  const kernel = builder.constant(normalTensor(random, [4, 2, 3, 3], 0.3));
  const ones = builder.constant(float32Tensor([1, 2, 0.5, 1], [4]));
  const conv = builder.node('Conv', [x, kernel], { attributes: { pads: [1, 1, 1, 1] } });
  const normal = builder.node('BatchNormalization', [conv, ones, ones, ones, ones]);
  const joined = builder.node('Add', [builder.node('Tanh', [normal]), conv]);
  const pooled = builder.node('Flatten', [builder.node('GlobalAveragePool', [joined])]);
  const mixed = builder.node('Mul', [builder.node('Add', [pooled, side]), held]);
  const last = builder.constant(normalTensor(random, [4, 2]));
  builder.addOutput(
    builder.node('MatMul', [builder.node('Sigmoid', [mixed]), last], { outputs: ['logits'] }),
  );
  return {
    model: builder.build(),
    feeds: {
      x: normalTensor(random, [rowCount, 2, 5, 5]),
      side: normalTensor(random, [rowCount, 4]),
      held: normalTensor(random, [rowCount, 4]),
    },
    coordinates: [at('x', 2, 5, 5), at('side', 4)],
    value: 'logits',
  };
}

describe('gradients summed along straight paths', function () {
  this.timeout(30_000);

  for (const batchSize of [1, 4, 7, 64]) {
    it(`are what the points of the paths add up to, in batches of ${batchSize}`, async () => {
      await assertSame(dense(), batchSize);
      await assertSame(imageSubject(), batchSize);
    });
  }

  it('are so at inner values before and behind the first nonlinearity, and through a unit', async () => {
    const subject = dense();
    await assertSame({ ...subject, sites: [at('fc1_out', 16)] }, 8);
    await assertSame({ ...subject, sites: [at('fc2_out', 8), at('fc1_out', 16)] }, 8);
    for (const [value, size] of [
      ['fc1_out', 16],
      ['act1_out', 16],
    ] as const) {
      const gate = { value, axis: 1, unit: 3, dims: [rowCount, size], position: undefined };
      await assertSame({ ...subject, gate }, 8);
    }
  });

  it('are so for a model with a fixed batch, whatever divides it', async () => {
    const subject = dense();
    for (const size of [2, 12, 64]) {
      const { graph } = subject.model;
      const inputs = graph.inputs.map((input) => ({ ...input, type: floatType(size, 6) }));
      const outputs = graph.outputs.map((output) => ({ ...output, type: { kind: 'unknown' } as const }));
      await assertSame({ ...subject, model: { ...subject.model, graph: { ...graph, inputs, outputs } } }, 64);
    }
  });

  it('are so where everything is affine, the explained value too', async () => {
    await assertSame({ ...dense(), model: denseModel([6, 2], 'Relu', 3) }, 64);
  });

  it('keep a row that is no number to itself', async () => {
    const subject = dense();
    const spoilt = Float32Array.from(subject.feeds['x']!.data as Float32Array);
    spoilt[6 + 2] = NaN;
    const feeds = { x: float32Tensor(spoilt, [rowCount, 6]) };
    const { summed, pointwise } = await bothWays({ ...subject, feeds }, 64);
    for (const [i, value] of pointwise[0]!.entries()) {
      assert.equal(Number.isNaN(value), i >= 6 && i < 12);
      assert.ok(
        Number.isNaN(value) ? Number.isNaN(summed[0]![i]!) : Math.abs(summed[0]![i]! - value) < rounding,
      );
    }
  });
});
