import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { assertClose, elementwise, linearModel } from '../../support/tensors.js';

describe('gradients expected over a background', function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();
  const weight = normalTensor(createRandom(21), [5, 3]);
  const x = normalTensor(createRandom(22), [4, 5]);
  const background = normalTensor(createRandom(23), [8, 5]);
  const savedBackground = async (): Promise<string> => {
    const path = join(folder(), 'background.npz');
    await writeNpz(path, { x: background });
    return path;
  };

  it('are w · (x − b), exactly, for a linear model and one baseline', async () => {
    const settings = { method: 'expected-gradients', target: '2', baseline: '0.25', samples: 5 };
    const draft = await runAttribution(linearModel(weight), { x }, settings);
    const expected = elementwise(x, (xi, i) => (xi - 0.25) * (weight.data[(i % 5) * 3 + 2] as number));
    assertClose(arrayOf(draft, 'attribution'), expected, 2e-6);
    assert.ok(draft.metrics['maxCompletenessError']! < 1e-5);
    assert.ok(draft.metrics['maxStandardError']! < 1e-6);
  });

  for (const method of ['expected-gradients', 'gradient-shap']) {
    it(`come to integrated gradients over the background within the standard error of ${method}`, async () => {
      const model = denseModel([5, 12, 3], 'Tanh', 9);
      const path = await savedBackground();
      const settings = { target: '0', background: path };
      const noise = method === 'gradient-shap' ? { noise: 0 } : {};
      const exact = await runAttribution(model, { x }, { ...settings, method: 'integrated-gradients' });
      const draft = await runAttribution(model, { x }, { ...settings, method, samples: 600, ...noise });
      const errors = toFloat64(arrayOf(draft, 'standardError'));
      const expected = toFloat64(arrayOf(exact, 'attribution'));
      let chiSquare = 0;
      for (const [i, value] of toFloat64(arrayOf(draft, 'attribution')).entries()) {
        chiSquare += ((value - expected[i]!) / errors[i]!) ** 2;
      }
      // 20 scores, some dependent on each other: their mean square is near 1 if the errors are right.
      assert.ok(chiSquare / 20 > 0.2 && chiSquare / 20 < 3, `χ²/20 = ${chiSquare / 20}`);
      assert.ok(draft.metrics['maxCompletenessError']! > 0);
    });
  }

  describe('at a layer', () => {
    // 5 → 4 → 3 → 2 with tanh between; the first hidden layer, 600 draws a row, seed 0.
    const sizes = [5, 4, 3, 2];
    const model = denseModel(sizes, 'Tanh', 9);
    for (const path of ['layer', 'input']) {
      for (const method of ['expected-gradients', 'gradient-shap']) {
        it(`come to their mean over baselines and fractions by brute force: ${method} with path=${path}`, async () => {
          const settings = { method, target: '0', layer: 'act1', path, samples: 600 };
          const noise = method === 'gradient-shap' ? { noise: 0 } : {};
          const given = { ...settings, ...noise, background: await savedBackground() };
          const draft = await runAttribution(model, { x }, given);
          const found = arrayOf(draft, 'attribution');
          assert.deepEqual(found.dims, [4, 4]);
          const errors = toFloat64(arrayOf(draft, 'standardError'));
          const chiSquare = toFloat64(found).reduce((sum, value, at) => {
            const expected = expectedAtLayer(model, { at, isInLayer: path === 'layer' });
            return sum + ((value - expected) / errors[at]!) ** 2;
          }, 0);
          // 16 scores, as above.
          assert.ok(chiSquare / 16 > 0.2 && chiSquare / 16 < 3, `χ²/16 = ${chiSquare / 16}`);
          assert.equal('maxCompletenessError' in draft.metrics, path === 'layer');
        });
      }
    }

    it('are the layer’s own draws: the noise goes through the layer, and scores of one baseline add up', async () => {
      const settings = { method: 'gradient-shap', target: '0', layer: 'act2', samples: 400, baseline: '0.5' };
      const draft = await runAttribution(model, { x }, { ...settings, noise: 0.2 });
      // Behind act2 the model is linear: each draw is w · (L(x + ε) − L(b)), whose sum is f(x + ε) − f(b).
      const clean = await runAttribution(model, { x }, { ...settings, noise: 0 });
      assert.ok(clean.metrics['maxCompletenessError']! < 1e-5);
      assert.ok(clean.metrics['maxStandardError']! < 1e-6);
      assert.ok(draft.metrics['maxStandardError']! > 1e-3);
    });
  });

  /** Σ over baselines of ∫ ∂f/∂L · (L(x) − L(b)), along the layer's path or the input's, by 200 midpoints. */
  function expectedAtLayer(
    { graph }: ReturnType<typeof denseModel>,
    { at, isInLayer }: { readonly at: number; readonly isInLayer: boolean },
  ): number {
    const numbersOf = (name: string): Float64Array => {
      const { dims, elementType, source } = graph.initializers.get(name)!;
      assert.ok(source.kind === 'inline' && elementType === 'float32');
      const bytes = Uint8Array.from(source.bytes);
      return toFloat64({ dtype: elementType, dims, data: new Float32Array(bytes.buffer) });
    };
    const dense = (layer: number, input: readonly number[]): number[] => {
      const [weights, bias] = [numbersOf(`fc${layer}.weight`), numbersOf(`fc${layer}.bias`)];
      return [...bias].map((b, j) =>
        input.reduce((sum, value, i) => sum + value * weights[i * bias.length + j]!, b),
      );
    };
    const hidden = (input: readonly number[]): number[] => dense(1, input).map(Math.tanh);
    const [row, unit] = [Math.floor(at / 4), at % 4];
    const rowOf = (values: typeof x, index: number): number[] =>
      [...toFloat64(values)].slice(index * 5, index * 5 + 5);
    const [w2, w3] = [numbersOf('fc2.weight'), numbersOf('fc3.weight')];
    const slope = (layer: readonly number[]): number =>
      dense(2, layer).reduce(
        (sum, value, j) => sum + w2[unit * 3 + j]! * (1 - Math.tanh(value) ** 2) * w3[j * 2]!,
        0,
      );
    const end = rowOf(x, row);
    let total = 0;
    for (let baseline = 0; baseline < 8; baseline++) {
      const start = rowOf(background, baseline);
      const change = hidden(end)[unit]! - hidden(start)[unit]!;
      for (let k = 0; k < 200; k++) {
        const between = (a: readonly number[], b: readonly number[]): number[] =>
          a.map((value, i) => value + ((k + 0.5) / 200) * (b[i]! - value));
        const layer = isInLayer ? between(hidden(start), hidden(end)) : hidden(between(start, end));
        total += (slope(layer) * change) / 1600;
      }
    }
    return total;
  }

  it('spread by the background’s deviation over √samples for a linear model', async () => {
    const settings = { method: 'expected-gradients', target: '1', samples: 400 };
    const draft = await runAttribution(
      linearModel(weight),
      { x },
      { ...settings, background: await savedBackground() },
    );
    for (const [i, error] of toFloat64(arrayOf(draft, 'standardError')).entries()) {
      const column = [0, 1, 2, 3, 4, 5, 6, 7].map((row) => background.data[row * 5 + (i % 5)] as number);
      const mean = column.reduce((a, b) => a + b) / 8;
      const deviation = Math.sqrt(column.reduce((a, b) => a + (b - mean) ** 2, 0) / 8);
      const expected = (Math.abs(weight.data[(i % 5) * 3 + 1] as number) * deviation) / 20;
      assert.ok(Math.abs(error / expected - 1) < 0.2, `${error} for ${expected}`);
    }
  });

  it('add the spread of the noise to a linear model’s scores in gradient-shap', async () => {
    const settings = { method: 'gradient-shap', target: '1', samples: 900, noise: 0.3 };
    const draft = await runAttribution(linearModel(weight), { x }, settings);
    const errors = toFloat64(arrayOf(draft, 'standardError'));
    for (const [i, value] of toFloat64(arrayOf(draft, 'attribution')).entries()) {
      const row = toFloat64(x).subarray(Math.floor(i / 5) * 5, Math.floor(i / 5) * 5 + 5);
      const w = weight.data[(i % 5) * 3 + 1] as number;
      const error = (0.3 * (Math.max(...row) - Math.min(...row)) * Math.abs(w)) / 30;
      assert.ok(Math.abs(errors[i]! / error - 1) < 0.15);
      assert.ok(Math.abs(value - w * row[i % 5]!) < 4.5 * error);
    }
  });
});
