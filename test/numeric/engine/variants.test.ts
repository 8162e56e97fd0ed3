import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import {
  activationSwapAt,
  interventionsAt,
  weightInterventionAt,
} from '../../../src/engine/interventions/atAddresses.js';
import type { Change } from '../../../src/engine/interventions/change.js';
import { openVariants, runVariants } from '../../../src/engine/interventions/runVariants.js';
import type { Variant } from '../../../src/engine/interventions/variantReach.js';
import { batchVariants } from '../../../src/engine/interventions/variants.js';
import { intervene } from '../../../src/engine/rewrites/intervene.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { assertClose, chain, contextOf, runOnce } from '../../support/interventions.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
const x = normalTensor(createRandom(1), [4, 3, 5]);

describe('variants in one batch', () => {
  const model = denseModel([4, 6, 5, 3]);
  const context = contextOf(model);
  const input = normalTensor(createRandom(8), [7, 4]);

  async function checkVariants(of: Model, variants: readonly Variant[], feeds: Feeds): Promise<void> {
    const { outputs, how } = await runVariants(runtime, of, { variants, types: inferTypes(of), feeds });
    assert.equal(how.kind, 'batched', how.kind === 'batched' ? '' : how.reason);
    for (const [index, variant] of variants.entries()) {
      const expected = await runOnce(intervene(of, variant), feeds);
      assert.deepEqual(Object.keys(outputs[index]!), Object.keys(expected));
      for (const [name, value] of Object.entries(expected)) {
        assert.deepEqual(outputs[index]![name]!.dims, value.dims);
        assertClose(outputs[index]![name]!, toFloat64(value), `variant ${index}, ${name}`);
      }
    }
  }

  it('zero each unit of two layers, alone and together with others', () => {
    const zero = (address: string): Variant => interventionsAt([address], { kind: 'zero' }, context);
    const variants = [
      ...[0, 1, 2, 3, 4, 5].map((unit) => zero(`act1[${unit}]`)),
      ...[0, 1, 2, 3, 4].map((unit) => zero(`act2[${unit}]`)),
      [...zero('act1[1]'), ...zero('act2[4]'), ...zero('x'.replace('x', 'fc1[2]'))],
      [],
    ];
    return checkVariants(model, variants, { x: input });
  });

  it('mix kinds of changes, and add a direction of their own', () => {
    const at = (address: string, change: Change): Variant => interventionsAt([address], change, context);
    const random = createRandom(3);
    const variants: Variant[] = [
      at('act1', { kind: 'add', direction: normalTensor(random, [6]), scale: 2 }),
      at('act1', { kind: 'add', direction: normalTensor(random, [6]) }),
      [...at('act1[1]', { kind: 'scale', factor: 3 }), ...at('act1[1]', { kind: 'clamp', high: 1 })],
      [...at('act1', { kind: 'mean', mean: normalTensor(random, [6]) }), ...at('act2[0]', { kind: 'zero' })],
      at('act1', { kind: 'keep-top-k', k: 2, axis: 1 }),
      activationSwapAt('act2[3]', 'tanh', context),
      at('act2', { kind: 'resample', rows: int64Tensor([6, 5, 4, 3, 2, 1, 0], [7]) }),
      at('act1', { kind: 'replace', by: normalTensor(random, [7, 6]) }),
    ];
    return checkVariants(model, variants, { x: input });
  });

  it('patch from one other run into many places', async () => {
    const by = { input: 'patch', type: floatType('N', 6) };
    const variants = [0, 1, 2].map((unit) =>
      interventionsAt([`act1[${unit}]`], { kind: 'replace', by }, context),
    );
    await checkVariants(model, variants, { x: input, patch: normalTensor(createRandom(2), [7, 6]) });
  });

  it('change the input itself, in an image model with sizes read at run time', () => {
    const builder = new GraphBuilder(emptyModel());
    const random = createRandom(6);
    builder.addInput('x', floatType('N', 2, 4, 4));
    const kernel = builder.constant(normalTensor(random, [3, 2, 3, 3]), 'conv.weight');
    builder.node('Conv', ['x', kernel], {
      attributes: { pads: [1, 1, 1, 1] },
      outputs: ['c'],
      name: '/conv/Conv',
    });
    builder.node('Relu', ['c'], { outputs: ['r'], name: '/relu/Relu' });
    // As exporters write x.view(x.size(0), -1).
    const size = builder.node('Gather', [
      builder.node('Shape', ['x']),
      builder.constant(int64Tensor([0], [])),
    ]);
    const shape = builder.node(
      'Concat',
      [builder.node('Unsqueeze', [size, builder.int64s([0])]), builder.int64s([-1])],
      { attributes: { axis: 0 } },
    );
    builder.node('Reshape', ['r', shape], { outputs: ['flat'] });
    const weight = builder.constant(normalTensor(random, [48, 2]), 'fc.weight');
    builder.addOutput(
      builder.node('MatMul', ['flat', weight], { outputs: ['y'], name: '/fc/MatMul' }),
      floatType('N', 2),
    );
    const image = builder.build();
    const occluded = [0, 1, 2, 3].map((row): Variant => [
      {
        value: 'x',
        rank: 4,
        change: { kind: 'zero' },
        where: [
          { axis: 2, indices: [row] },
          { axis: 3, indices: [0, -1] },
        ],
      },
    ]);
    const units = [0, 1, 2].map((unit) =>
      interventionsAt([`relu[${unit}]`], { kind: 'zero' }, contextOf(image)),
    );
    const feeds = { x: normalTensor(random, [3, 2, 4, 4]) };
    return checkVariants(image, occluded, feeds).then(() => checkVariants(image, units, feeds));
  });

  it('compute what comes before the changed values once', () => {
    const batched = batchVariants(
      model,
      [interventionsAt(['act2[0]'], { kind: 'zero' }, context), []],
      inferTypes(model),
    );
    const first = batched.kind === 'batched' ? batched.model.graph.nodes.slice(0, 4) : [];
    assert.deepEqual(first, model.graph.nodes.slice(0, 4));
  });

  it('run in several batches when a run is to hold fewer', async () => {
    const variants = [0, 1, 2, 3, 4].map((unit) =>
      interventionsAt([`act2[${unit}]`], { kind: 'zero' }, context),
    );
    const request = { variants, types: inferTypes(model), feeds: { x: input } };
    const whole = await runVariants(runtime, model, request);
    const parts = await runVariants(runtime, model, { ...request, variantsPerRun: 2 });
    assert.equal(parts.outputs.length, 5);
    for (const [i, { logits }] of whole.outputs.entries()) {
      assertClose(parts.outputs[i]!['logits']!, toFloat64(logits!), `variant ${i}`);
    }
  });

  it('stay open for batches of any size', async () => {
    const variants = [0, 1].map((unit) => interventionsAt([`act2[${unit}]`], { kind: 'zero' }, context));
    const runner = await openVariants(runtime, model, { variants, types: inferTypes(model) });
    for (const rowCount of [1, 5, 2]) {
      const feeds = { x: normalTensor(createRandom(rowCount), [rowCount, 4]) };
      const outputs = await runner.run(feeds);
      for (const [index, variant] of variants.entries()) {
        const expected = await runOnce(intervene(model, variant), feeds);
        assert.deepEqual(outputs[index]!['logits']!.dims, [rowCount, 3]);
        assertClose(outputs[index]!['logits']!, toFloat64(expected['logits']!), `${rowCount} rows`);
      }
    }
    await runner.close();
  });

  it('run one by one, with the reason, where the graph mixes rows or a weight changes', async () => {
    const builder = new GraphBuilder(chain());
    builder.node('Softmax', ['y'], { attributes: { axis: 0 }, outputs: ['mixed'] });
    builder.setOutputs(['mixed']);
    const mixed = builder.build();
    const variants: Variant[] = [[{ value: 'h', rank: 3, change: { kind: 'zero' } }], []];
    const runs = await runVariants(runtime, mixed, { variants, types: inferTypes(mixed), feeds: { x } });
    assert.deepEqual(runs.how, { kind: 'one-by-one', reason: 'Softmax mixes the rows of a batch' });
    assertClose(runs.outputs[0]!['mixed']!, new Array<number>(60).fill(0.25), 'mixed');
    const weights = [0, 1].map((unit) => [weightInterventionAt(`fc1[${unit}]`, { kind: 'zero' }, context)]);
    const changed = await runVariants(runtime, model, {
      variants: weights,
      types: inferTypes(model),
      feeds: { x: input },
    });
    assert.equal(changed.how.kind, 'one-by-one');
    const summed = new GraphBuilder(chain());
    summed.reduce('ReduceSum', 'y', [0], false);
    summed.setOutputs([summed.reduce('ReduceSum', 'y', [0], false)]);
    const refused = batchVariants(summed.build(), variants, inferTypes(summed.build()));
    assert.equal(refused.kind, 'impossible');
  });
});
