import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openDataset } from '../../../src/data/openDataset.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { imageFeed, readMnist, sliceImages } from '../../../scripts/samples/images.js';
import { samplesDir } from '../../support/paths.js';

const names = readdirSync(samplesDir).filter((name) => existsSync(join(samplesDir, name, 'manifest.json')));

/** What the data of each sample holds. */
const sampleCounts: Readonly<Record<string, { readonly count: number; readonly hasLabels: boolean }>> = {
  'cart-pole-trees': { count: 500, hasLabels: true },
  'crop-yield': { count: 300, hasLabels: false },
  'cross-network': { count: 600, hasLabels: true },
  'digits-cnn': { count: 4000, hasLabels: true },
  'digits-fp16': { count: 4000, hasLabels: true },
  'digits-int8': { count: 4000, hasLabels: true },
  'digits-vae': { count: 1000, hasLabels: false },
  'dying-relu': { count: 4000, hasLabels: true },
  'fashion-cnn': { count: 3200, hasLabels: true },
  'in-context': { count: 8, hasLabels: false },
  'interest-network': { count: 400, hasLabels: true },
  'marketing-mix': { count: 12, hasLabels: false },
  'modular-addition': { count: 97 ** 2, hasLabels: true },
  'power-tariff': { count: 300, hasLabels: false },
  'story-lm': { count: 619, hasLabels: false },
  'tone-cnn': { count: 32, hasLabels: true },
  'tone-spectrogram': { count: 16, hasLabels: true },
};

interface Manifest {
  readonly sha256: Record<string, string>;
  readonly metric: { readonly value: number };
  readonly deadShares: Record<string, number>;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(samplesDir, name, 'manifest.json'), 'utf8')) as Manifest;
}

describe('sample models', () => {
  it('are those that their page names', () => {
    const page = readFileSync(join(samplesDir, 'README.md'), 'utf8');
    const named = [...page.matchAll(/^\| `sample-models\/([\w-]+)\//gmu)].map((match) => match[1] ?? '');
    assert.deepEqual(names.sort(), named.sort());
    assert.deepEqual(names, Object.keys(sampleCounts));
  });

  it('have no file of 3 MB or more', () => {
    const files = readdirSync(samplesDir, { recursive: true, encoding: 'utf8' }).map((file) =>
      join(samplesDir, file),
    );
    assert.ok(files.length > 40, `${files.length} files`);
    for (const file of files) assert.ok(statSync(file).size < 3e6, file);
  });

  for (const name of names) {
    it(`${name}: files are those of its manifest, each under 3 MB`, () => {
      const { sha256 } = manifestOf(name);
      for (const [file, expected] of Object.entries(sha256)) {
        const path = join(samplesDir, name, file);
        assert.equal(createHash('sha256').update(readFileSync(path)).digest('hex'), expected, file);
        assert.ok(statSync(path).size < 3e6, file);
      }
    });

    it(`${name}: its inspect file feeds it without a warning`, async () => {
      const model = await readModel(join(samplesDir, name, `${name}.onnx`));
      const data = await openDataset(join(samplesDir, name, `${name}.inspect.json`), model);
      assert.deepEqual(data.warnings, []);
      assert.equal(data.sampleCount, sampleCounts[name]?.count);
      assert.equal(data.hasLabels, sampleCounts[name]?.hasLabels);
    });

    // Trees are grown, not written as layers of a class.
    if (name === 'cart-pole-trees') continue;

    it(`${name}: its training code defines every layer of the model under the same name`, async () => {
      const inspectFile = readFileSync(join(samplesDir, name, `${name}.inspect.json`), 'utf8');
      const { code } = JSON.parse(inspectFile) as { code: { path: string; layers: Record<string, string> } };
      const source = readFileSync(join(samplesDir, name, code.path), 'utf8');
      const table = layersOf(await readModel(join(samplesDir, name, `${name}.onnx`)));
      assert.deepEqual(
        table.layers.map((layer) => layer.name),
        Object.keys(code.layers),
      );
      for (const [layer, symbol] of Object.entries(code.layers)) {
        const [, className = '', attribute = ''] = /:(\w+)\.(\w+)$/u.exec(symbol) ?? [];
        const body = source.slice(source.indexOf(`class ${className}(nn.Module):`)).split(/\n\n\nclass /u)[0];
        assert.match(body ?? '', new RegExp(`self\\.${attribute} = `, 'u'), layer);
      }
    });
  }

  it('digits-cnn is right on at least 98.5 % of the 10,000 MNIST test images, as its manifest says', async function () {
    this.timeout(60_000);
    const accuracy = await accuracyOnMnist('digits-cnn');
    assert.ok(accuracy >= 0.985, String(accuracy));
    // The last bits of a logit may differ between machines; no more than one image may change its class for it.
    assert.ok(Math.abs(accuracy - manifestOf('digits-cnn').metric.value) <= 1e-4);
  });

  it('dying-relu has a layer of which at least 30 % of the units never fire on the 10,000 test images', async function () {
    this.timeout(60_000);
    const share = await deadShareByHand('dying-relu', '/relu1/Relu_output_0');
    assert.ok(share >= 0.3, String(share));
    // A unit that fires once by its last bit may differ between machines: one of 256.
    assert.ok(Math.abs(share - manifestOf('dying-relu').deadShares['relu1']!) <= 1 / 256);
    assert.ok(
      Math.abs((await accuracyOnMnist('dying-relu')) - manifestOf('dying-relu').metric.value) <= 5e-4,
    );
  });
});

async function accuracyOnMnist(name: string): Promise<number> {
  const digits = readMnist('t10k');
  const session = await createRuntime({ provider: 'cpu' }).open(
    await readModel(join(samplesDir, name, `${name}.onnx`)),
  );
  let right = 0;
  for (let start = 0; start < digits.count; start += 500) {
    const batch = sliceImages(digits, start, start + 500);
    const { logits } = await session.run(imageFeed(batch));
    const scores = toFloat64(logits!);
    for (const [row, label] of batch.labels.entries()) {
      const own = scores.subarray(row * 10, row * 10 + 10);
      if (own.indexOf(Math.max(...own)) === label) right++;
    }
  }
  await session.close();
  return right / digits.count;
}

/** Recounts dead units by copying every activation out of the runtime: no in-graph statistics. */
async function deadShareByHand(name: string, value: string): Promise<number> {
  const digits = readMnist('t10k');
  const model = await readModel(join(samplesDir, name, `${name}.onnx`));
  const outputs = [{ name: value, type: { kind: 'unknown' as const }, metadata: new Map<string, string>() }];
  const session = await createRuntime({ provider: 'cpu' }).open({
    ...model,
    graph: { ...model.graph, outputs },
  });
  const fired = new Set<number>();
  let unitCount = 0;
  for (let start = 0; start < digits.count; start += 500) {
    const run = await session.run(imageFeed(sliceImages(digits, start, start + 500)));
    const activations = run[value]!;
    unitCount = activations.dims[1]!;
    for (const [i, activation] of toFloat64(activations).entries()) {
      if (activation > 0) fired.add(i % unitCount);
    }
  }
  await session.close();
  return 1 - fired.size / unitCount;
}
