import assert from 'node:assert/strict';
import { activationSparsity } from '../../../src/analyses/health/activation-sparsity.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Runtime } from '../../../src/engine/runtime/session.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';

const model = denseModel([5, 16, 12, 3]);
const x = normalTensor(createRandom(8), [40, 5]);
const labels = Array.from({ length: 40 }, (_, i) => i % 3);

function weights(name: string): Float64Array {
  const source = model.graph.initializers.get(name)?.source;
  assert(source?.kind === 'inline');
  const { bytes } = source;
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return toFloat64({ dtype: 'float32', dims: [data.length], data });
}

/** The classes by plain loops, with only the `kept[i]` largest outputs of the i-th ReLU. */
function classesByHand(kept: readonly number[]): number[] {
  const data = toFloat64(x);
  return labels.map((_, row) => {
    let values = [...data.subarray(row * 5, row * 5 + 5)];
    for (let layer = 1; layer <= 3; layer++) {
      const [weight, bias] = [weights(`fc${layer}.weight`), weights(`fc${layer}.bias`)];
      const before = values;
      values = [...bias].map((shift, u) =>
        before.reduce((sum, value, i) => sum + value * (weight[i * bias.length + u] ?? 0), shift),
      );
      if (layer === 3) break;
      values = values.map((value) => Math.max(0, value));
      const order = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
      for (const unit of order.slice(kept[layer - 1])) values[unit] = 0;
    }
    return values.indexOf(Math.max(...values));
  });
}

function accuracyByHand(kept: readonly number[]): number {
  return classesByHand(kept).filter((answer, row) => answer === labels[row]).length / labels.length;
}

describe('skippable multiplications', () => {
  it('are those with zeros that get through pooling too, as plain loops count them where they are read', async () => {
    const rowCount = 12;
    const image = normalTensor(createRandom(17), [rowCount, 1, 4, 4]);
    const data = toFloat64(image).map((value) => value - 0.8);
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 1, 4, 4));
    const conv = (value: string, weight: readonly number[], bias: readonly number[]): string => {
      const held = builder.constant(float32Tensor(weight, [bias.length, 1, 1, 1]));
      return builder.node('Conv', [value, held, builder.constant(float32Tensor(bias, [bias.length]))]);
    };
    const first = builder.node('Relu', [conv(input, [1], [-0.8])]);
    const pooled = builder.node('MaxPool', [first], {
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    });
    const second = builder.node('Relu', [conv(pooled, [1, -1], [0, 0.25])]);
    const flat = builder.node('Flatten', [builder.node('GlobalAveragePool', [second])]);
    const head = builder.constant(normalTensor(createRandom(18), [2, 3]));
    builder.addOutput(builder.node('Gemm', [flat, head], { outputs: ['logits'] }), floatType('N', 3));
    // Convolutions: 16 products with the input, 2 · 4 with the pooled; the head 3 with each of two channels.
    let skipped = 0;
    for (let row = 0; row < rowCount; row++) {
      const most = [0, 2, 8, 10].map((corner) =>
        Math.max(0, ...[0, 1, 4, 5].map((step) => data[row * 16 + corner + step]!)),
      );
      skipped += 2 * most.filter((value) => value === 0).length;
      if (most.every((value) => value === 0)) skipped += 3;
      if (most.every((value) => value >= 0.25)) skipped += 3;
    }
    assert(skipped > 0);
    const rows = memoryDataset({ x: image });
    const draft = await runOn(activationSparsity, builder.build(), rows, { settings: { histogramBins: 0 } });
    assert(Math.abs(draft.metrics['skippableShare']! - skipped / rowCount / (16 + 8 + 6)) < 1e-7);
  });
});

describe('top-k thresholding', () => {
  itHolds(
    45,
    'equals plain loops in all layers and in each, k = width being the untouched model',
    async () => {
      const draft = await runOn(activationSparsity, model, memoryDataset({ x }, labels), {
        settings: { topK: 'each' },
      });
      const share = arrayOf(draft, 'topKShare');
      assert.deepEqual(share, [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]);
      const kept = share.map((part) => [16, 12].map((width) => Math.max(1, Math.round(part * width))));
      assert.deepEqual(arrayOf(draft, 'topKScore'), kept.map(accuracyByHand));
      assert.deepEqual(
        arrayOf(draft, 'act1.topKScore'),
        kept.map(([k = 0]) => accuracyByHand([k, 12])),
      );
      const untouched = accuracyByHand([16, 12]);
      assert.equal(arrayOf(draft, 'topKScore').at(-1), untouched);
      assert.equal(arrayOf(draft, 'act2.topKScore').at(-1), untouched);
      assert.equal(draft.metrics['untouchedScore'], untouched);
      // fc2 and fc3 read 16 · 12 and 12 · 3 products of what the ReLUs give, fc1 5 · 16 of the input.
      const nonZero = ['act1', 'act2'].map((name) => {
        const shares = arrayOf(draft, `${name}.nonZeroFraction`);
        return shares.reduce((sum, part) => sum + part, 0) / shares.length;
      });
      const skipped = 192 * (1 - nonZero[0]!) + 36 * (1 - nonZero[1]!);
      assert(Math.abs(draft.metrics['skippableShare']! - skipped / (80 + 192 + 36)) < 1e-12);
    },
  );

  it('runs the shares of a layer in one batch: a session for each curve and not for each point', async () => {
    const opened: string[] = [];
    const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
    const counting: Runtime = {
      ...runtime,
      open: (one, options) => {
        opened.push(options?.purpose ?? 'run');
        return runtime.open(one, options);
      },
    };
    const data = memoryDataset({ x }, labels);
    const sessions: number[] = [];
    for (const topK of ['none', 'each'] as const) {
      opened.length = 0;
      await runOn(activationSparsity, model, data, { settings: { topK }, runtime: counting });
      sessions.push(opened.length);
    }
    // The untouched model, all layers at once, and each of two.
    assert.equal(sessions[1]! - sessions[0]!, 1 + 1 + 2);
  });

  it('says why there is no curve where nothing can be scored', async () => {
    const draft = await runOn(activationSparsity, model, memoryDataset({ x }), { settings: { topK: 'all' } });
    assert.equal(draft.metrics['topKShare'], undefined);
    assert.match(draft.evidence['topKShare']?.how ?? '', /no labels/);
  });
});
