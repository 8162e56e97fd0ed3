import assert from 'node:assert/strict';
import { join } from 'node:path';
import { sweepActivations } from '../../../src/analyses/shared/sweep.js';
import type { SweepTarget } from '../../../src/analyses/shared/targetTap.js';
import { type UnitStatistics, variancesOf } from '../../../src/analyses/shared/unitStatistics.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { openOracle, type Oracle, oracleFixturesDir } from '../../support/oracle.js';
import { itWithShared } from '../../support/paths.js';

// The sweep on values of every kind (before and after activations, pools, blocks, normalisations) against statistics that
// PyTorch computed: all positions pooled, per channel. `var` is the population variance.

interface Network {
  readonly inputs: string;
  readonly model: string;
  /** Value, its rank and its unit axis by the reference's layer name. */
  readonly layers: Readonly<Record<string, readonly [value: string, rank: number, unitAxis: number]>>;
}

const networks: Record<string, Network> = {
  mlp: {
    inputs: 'train_x',
    model: 'mlp.onnx',
    layers: {
      fc1: ['/fc1/Gemm_output_0', 2, 1],
      relu: ['/relu/Relu_output_0', 2, 1],
      fc2: ['/fc2/Gemm_output_0', 2, 1],
      tanh: ['/tanh/Tanh_output_0', 2, 1],
      fc3: ['/fc3/Gemm_output_0', 2, 1],
      sig: ['/sig/Sigmoid_output_0', 2, 1],
      fc4: ['logits', 2, 1],
    },
  },
  lenet: {
    inputs: 'stats_x',
    model: 'lenet.onnx',
    layers: {
      conv1: ['/conv1/Conv_output_0', 4, 1],
      relu1: ['/relu1/Relu_output_0', 4, 1],
      pool1: ['/pool1/MaxPool_output_0', 4, 1],
      conv2: ['/conv2/Conv_output_0', 4, 1],
      relu2: ['/relu2/Relu_output_0', 4, 1],
      pool2: ['/pool2/MaxPool_output_0', 4, 1],
      fc1: ['/fc1/Gemm_output_0', 2, 1],
      relu3: ['/relu3/Relu_output_0', 2, 1],
      fc2: ['/fc2/Gemm_output_0', 2, 1],
      relu4: ['/relu4/Relu_output_0', 2, 1],
      fc3: ['logits', 2, 1],
    },
  },
  transformer: {
    inputs: 'stats_x',
    model: 'transformer_emb_op17.onnx',
    layers: {
      b0: ['/b0/Add_1_output_0', 3, 2],
      b1: ['/b1/Add_1_output_0', 3, 2],
      'b0.fc1': ['/b0/fc1/Add_output_0', 3, 2],
      'b0.gelu': ['/b0/gelu/Mul_1_output_0', 3, 2],
      'b1.fc1': ['/b1/fc1/Add_output_0', 3, 2],
      'b1.gelu': ['/b1/gelu/Mul_1_output_0', 3, 2],
      lnf: ['/lnf/LayerNormalization_output_0', 3, 2],
    },
  },
};

async function compare(network: Network, oracle: Oracle, modelPath: string): Promise<void> {
  const targets = Object.entries(network.layers).map(([layer, [leaving, rank, unitAxis]]): SweepTarget => ({
    layer,
    entering: undefined,
    leaving,
    elementType: 'float32',
    rank,
    unitAxis,
    unitCount: oracle.tensor(`stats.${layer}.max`).dims[0]!,
    rowsPerSample: 1,
    maskLayout: undefined,
    rule: { kind: 'unjudged' },
  }));
  const sweep = await sweepActivations({
    model: await readModel(modelPath),
    data: memoryDataset({ x: oracle.tensor(network.inputs) }),
    runtime: createRuntime({ provider: 'cpu', threadCount: 2 }),
    targets,
    batchSize: 24,
    limit: undefined,
    signal: new AbortController().signal,
    epsilon: 1e-3,
    topExampleCount: 1,
  });
  const keys = oracle.keys.filter((key) => key.startsWith('stats.'));
  assert.equal(keys.length, targets.length * 5, 'every key of the reference is compared');
  for (const { target, statistics } of sweep.layers) {
    assertMatches(statistics, oracle, `stats.${target.layer}`);
  }
}

function assertMatches(statistics: UnitStatistics, oracle: Oracle, prefix: string): void {
  const perElement = (counts: Float64Array): Float64Array =>
    counts.map((count) => count / statistics.elementCount);
  const measured = {
    max: statistics.maximum,
    min: statistics.minimum,
    mean: perElement(statistics.sum),
    var: variancesOf(statistics),
    frac_pos: perElement(statistics.positiveCount),
  };
  for (const [name, actual] of Object.entries(measured)) {
    const key = `${prefix}.${name}`;
    const expected = toFloat64(oracle.tensor(key));
    assert.equal(actual.length, expected.length, key);
    for (const [unit, value] of expected.entries()) {
      const difference = Math.abs(actual[unit]! - value);
      assert.ok(difference <= oracle.tolerance(key), `${key}[${unit}]: ${actual[unit]} and ${value}`);
    }
  }
}

describe('statistics of the sweep against the reference', () => {
  it('agree on the committed mlp', async () => {
    const oracle = openOracle(oracleFixturesDir, 'mlp-statistics');
    await compare(networks['mlp']!, oracle, join(oracleFixturesDir, 'mlp.onnx'));
  });

  for (const [name, network] of Object.entries(networks)) {
    itWithShared(`agree on every stats key of ${name}`, async (shared) => {
      const dir = join(shared, 'oracle');
      await compare(network, openOracle(dir, name), join(dir, network.model));
    });
  }
});
