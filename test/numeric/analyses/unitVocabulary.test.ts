import assert from 'node:assert/strict';
import { join } from 'node:path';
import { unitVocabulary, type UnitVocabulary } from '../../../src/analyses/shared/language/unitVocabulary.js';
import { silentLogger } from '../../../src/base/logger.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { resolveAddress } from '../../../src/onnx/addresses.js';
import { loadTensor } from '../../../src/onnx/loadTensor.js';
import { openedModel } from '../../../src/onnx/openedModel.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { samplesDir } from '../../support/paths.js';

const width = 80;
const vocabularySize = 1024;

describe('what a neuron writes, as the vocabulary reads it', () => {
  const stored = new Map<string, Float64Array>();
  let of: (address: string) => Promise<UnitVocabulary | undefined>;
  before(async () => {
    const opened = openedModel(await readModel(join(samplesDir, 'story-lm', 'story-lm.onnx')));
    const { model, layers: table, types } = opened;
    for (const name of ['norm.weight', 'head.weight']) {
      stored.set(name, toFloat64(await loadTensor(model.graph.initializers.get(name)!)));
    }
    const runtime = createRuntime({ provider: 'cpu', log: silentLogger });
    const { signal } = new AbortController();
    of = (address) => {
      const { value, unitAxis, unit } = resolveAddress(address, table);
      const place = { value, unitAxis: unitAxis!, unit: unit! };
      return unitVocabulary({ model, data: undefined, runtime, signal }, { table, types }, place);
    };
  });

  it('goes through the final normalisation from the residual stream, and from behind it does not', async () => {
    const [gain, head] = [stored.get('norm.weight')!, stored.get('head.weight')!];
    const weight = (unit: number, token: number): number => head[unit * vocabularySize + token]!;
    const stream = await of('embed[7]');
    assert.deepEqual([stream?.layer, stream?.isHead], ['head', true]);
    const behind = await of('norm[7]');
    for (const token of [0, 99, 1023]) {
      // A 1 less its mean over the units, times the gain, through the unembedding.
      const expected = gain.reduce((sum, factor, unit) => {
        return sum + ((unit === 7 ? 1 : 0) - 1 / width) * factor * weight(unit, token);
      }, 0);
      assert.ok(Math.abs(stream!.effects[token]! - expected) < 1e-6);
      assert.ok(Math.abs(behind!.effects[token]! - weight(7, token)) < 1e-6);
    }
  });

  it('is nothing of neurons that only queries, keys and values read, as wide as the stream though these are', async () => {
    assert.equal(await of('blocks.1.norm1[7]'), undefined);
    assert.equal(await of('blocks.1.attention.query[7]'), undefined);
  });
});
