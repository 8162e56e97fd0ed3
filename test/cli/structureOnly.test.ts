import assert from 'node:assert/strict';
import { join } from 'node:path';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Dimension, Model } from '../../src/onnx/model.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import type { Inspection } from '../../src/protocol/inspection.js';
import { runCli } from '../support/cliProcess.js';
import { emptyModel } from '../support/modelBuilder.js';
import { samplesDir } from '../support/paths.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

// Commands that take no data: they make up inputs, and say so, or say why they cannot.

describe('gradient-check', function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();

  it('prints a row per operator of digits-cnn, all agreeing with central differences', async () => {
    const { code, stdout } = await runCli([
      'gradient-check',
      join(samplesDir, 'digits-cnn', 'digits-cnn.onnx'),
    ]);
    assert.equal(code, 0, stdout);
    for (const operator of ['Conv', 'Gemm', 'MaxPool', 'Relu', 'Flatten', '(whole model)']) {
      assert.match(stdout, new RegExp(`^${operator.replace(/[()]/g, '\\$&')} +\\d+ +passed `, 'm'));
    }
    assert.match(stdout, /Every gradient that was compared agrees/);
  });

  it('does not claim agreement where nothing could be compared', async () => {
    const path = join(folder(), 'integers.onnx');
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', { kind: 'tensor', elementType: 'int64', shape: ['N', 3] });
    builder.addOutput(builder.node('Neg', ['x'], { outputs: ['y'] }));
    await writeModel(builder.build(), path);
    const { stdout } = await runCli(['gradient-check', path]);
    assert.doesNotMatch(stdout, /agrees/);
    assert.match(stdout, /No gradient was compared/);
  });
});

describe('dynamic shapes without data', function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();

  async function writeDense(shape: readonly Dimension[] | null, width = 5): Promise<string> {
    const path = join(folder(), 'dense.onnx');
    await writeModel(denseWith(shape, width), path);
    return path;
  }

  it('inspect needs no shape at all', async () => {
    const { code, stdout } = await runCli(['inspect', await writeDense(null), '--json']);
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout) as Inspection).parameterCount, 10);
  });

  it('inspect --measure turns an open batch into a number and says what was assumed', async () => {
    const { code, stdout } = await runCli(['inspect', await writeDense(['N', 5]), '--measure', '--json']);
    assert.equal(code, 0);
    const { layers, warnings } = JSON.parse(stdout) as Inspection;
    const [dense] = layers;
    assert.equal(dense?.shape?.length, 2);
    assert.ok(
      dense.shape.every((size) => typeof size === 'number'),
      JSON.stringify(dense.shape),
    );
    assert.ok(
      warnings.some((warning) => warning.includes('made up')),
      warnings.join('\n'),
    );
  });

  for (const [what, shape] of [
    ['a width that no guess meets', ['N', 'F']],
    ['no shape', null],
  ] as const) {
    for (const command of ['gradient-check', 'inspect --measure']) {
      it(`${command} of a model with ${what} ends with 2 and says what to do, within 10 s`, async () => {
        const [name = '', ...options] = command.split(' ');
        const startedAt = performance.now();
        const { code, stderr } = await runCli([name, await writeDense(shape, 37), ...options]);
        assert.equal(code, 2, stderr);
        assert.match(stderr, /[Ee]xport|--measure|--data|fixed/);
        assert.ok(performance.now() - startedAt < 10_000);
      });
    }
  }
});

/** A dense layer of two units whose input leaves its width open; only `width` runs. */
function denseWith(shape: readonly Dimension[] | null, width: number): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', { kind: 'tensor', elementType: 'float32', shape });
  const weight = builder.constant(
    float32Tensor(new Float32Array(width * 2).fill(0.5), [width, 2]),
    'fc.weight',
  );
  builder.addOutput(builder.node('MatMul', ['x', weight], { outputs: ['y'], name: '/fc/MatMul' }));
  return builder.build();
}
