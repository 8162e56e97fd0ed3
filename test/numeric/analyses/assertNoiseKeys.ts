import assert from 'node:assert/strict';
import { noiseTunnel } from '../../../src/analyses/prediction/attribution/noiseTunnel.js';
import { prepare } from '../../../src/analyses/prediction/attribution/prepare.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { maxDifference, type Oracle } from '../../support/oracle.js';
import { attributionContext, attributionSettingsWith } from '../../support/runAttribution.js';

/** A key of a noise tunnel, with the part of the stored noise that it uses. */
export interface NoiseKey {
  readonly key: string;
  readonly around: 'gradient' | 'integrated-gradients';
  readonly statistic: Parameters<typeof noiseTunnel>[1];
  readonly samples: number;
}

/** Asserts that noise tunnels around stored noise [samples, rows, …] reproduce keys of a network's reference numbers. */
export async function assertNoiseKeys(
  oracle: Oracle,
  stored: TensorValue,
  keys: readonly NoiseKey[],
): Promise<void> {
  const model = convertToOpset17(await readModel(oracle.modelPath));
  const input = oracle.tensor('x');
  const size = input.data.length / input.dims[0]!;
  for (const { key, around, statistic, samples } of keys) {
    const settings = attributionSettingsWith({ method: 'smoothgrad', around, samples });
    const prepared = await prepare(attributionContext(model, { x: input }), settings);
    try {
      const found = await noiseTunnel(prepared.problem, statistic, ({ sample, row }, values) => {
        const from = (sample * input.dims[0]! + row) * size;
        for (let i = 0; i < size; i++) values[i]! += stored.data[from + i] as number;
      });
      const scores = float32Tensor(Float32Array.from(found.scores[0]!.data), input.dims);
      assert.ok(maxDifference(scores, oracle.tensor(key)) <= oracle.tolerance(key), key);
    } finally {
      await prepared.close();
    }
  }
}
