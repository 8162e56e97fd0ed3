import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkpointsSetting, listCheckpoints } from '../../../src/analyses/shared/checkpoints.js';
import type { Model } from '../../../src/onnx/model.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import { openModels } from '../../../src/runs/openModels.js';
import { denseModel } from '../../support/modelBuilder.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

describe('openModels', () => {
  const folder = useTemporaryFolder();
  const reference = denseModel([2, 3, 2]);

  async function place(path: string, model: Model = reference): Promise<void> {
    const file = join(folder(), path);
    mkdirSync(dirname(file), { recursive: true });
    await writeModel(model, file);
  }

  async function namesOf(pattern: string): Promise<string[]> {
    const models = await openModels(join(folder(), pattern), reference);
    return models.map(({ name }) => name);
  }

  it('lists the models of a folder, numbers in their names compared as numbers', async () => {
    for (const name of ['step-10', 'step-9', 'step-100']) await place(`runs/${name}.onnx`);
    await place('runs/older/step-1.onnx');
    writeFileSync(join(folder(), 'runs/log.txt'), '');
    assert.deepEqual(await namesOf('runs'), ['step-9', 'step-10', 'step-100']);
  });

  it('lists those of the sub-folders where a folder has none of its own', async () => {
    for (const step of [200, 30]) await place(`runs/checkpoint-${String(step)}/model.onnx`);
    assert.deepEqual(await namesOf('runs'), ['checkpoint-30/model', 'checkpoint-200/model']);
  });

  it('takes one file, and patterns within names and over folders', async () => {
    const paths = ['a/step-2.onnx', 'a/step-12.onnx', 'a/final.onnx', 'a/b/c/step-3.onnx'];
    for (const path of paths) await place(path);
    assert.deepEqual(await namesOf('a/final.onnx'), ['final']);
    assert.deepEqual(await namesOf('a/step-*.onnx'), ['step-2', 'step-12']);
    assert.deepEqual(await namesOf('a/step-?.onnx'), ['step-2']);
    assert.deepEqual(await namesOf('a/**/step-*.onnx'), ['b/c/step-3', 'step-2', 'step-12']);
  });

  it('reads a model when it is opened, and says which cannot be read', async () => {
    await place('1.onnx');
    writeFileSync(join(folder(), '2.onnx'), 'no model');
    const [sound, broken] = await openModels(folder(), reference);
    assert.equal((await sound!.open()).file.path, join(folder(), '1.onnx'));
    await assert.rejects(broken!.open(), (error: Error) => error.message.includes(join(folder(), '2.onnx')));
  });

  it('refuses a model that is built otherwise, naming the difference, unless any will do', async () => {
    const others: readonly [string, Model, RegExp][] = [
      ['wider', denseModel([2, 4, 2]), /its layer .* has 4 units and not 3/],
      ['deeper', denseModel([2, 3, 3, 2]), /layer/],
      ['other input', denseModel([5, 3, 2]), /its input x is float32 \[N, 5\] and not float32 \[N, 2\]/],
    ];
    for (const [name, model, said] of others) {
      await place(`${name}.onnx`, model);
      const path = join(folder(), `${name}.onnx`);
      const [other] = await openModels(path, reference);
      await assert.rejects(other!.open(), { code: 'model-differs', message: said });
      const [any] = await openModels(path, reference, { structure: 'any' });
      assert.equal((await any!.open()).graph.nodes.length, model.graph.nodes.length);
    }
  });

  it('says what it looked for when nothing fits', async () => {
    await place('a/final.onnx');
    mkdirSync(join(folder(), 'empty'));
    for (const path of ['nowhere', 'empty', 'a/step-*.onnx', 'nowhere/*.onnx']) {
      await assert.rejects(openModels(join(folder(), path), reference), {
        code: 'no-models',
        message: /working directory/,
      });
    }
  });

  it('gives analyses the model of the run where no checkpoints are set', async () => {
    await place('step-1.onnx');
    const context = { model: reference, openModels: (path: string) => openModels(path, reference) };
    const [own] = await listCheckpoints(context, checkpointsSetting.default);
    assert.equal(await own!.open(), reference);
    const [first] = await listCheckpoints(context, folder());
    assert.equal(first!.name, 'step-1');
  });
});
