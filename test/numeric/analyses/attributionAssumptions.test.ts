import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { methodNames } from '../../../src/analyses/prediction/attribution/settings.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { imageModel } from '../../support/imageModel.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { randomTree, treeModel } from '../../support/plantedTrees.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { elementwise, linearModel } from '../../support/tensors.js';

type Rows = readonly Readonly<Record<string, unknown>>[];

function assumptionsIn(draft: ReportDraft): Rows {
  const table = draft.blocks.find(({ title }) => title === 'What the method rests on');
  assert.ok(table?.type === 'table');
  return table.rows;
}

/** The verdict on the assumption whose text matches. */
function verdictOn(draft: ReportDraft, text: RegExp): unknown {
  const row = assumptionsIn(draft).find(({ assumes }) => text.test(String(assumes)));
  assert.ok(row, String(text));
  return row['verdict'];
}

/** Conv, then the named activation, pooled or flattened before a dense head. */
function convolutional(activation: string, isPooled: boolean): Model {
  const random = createRandom(3);
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 1, 6, 6));
  const conv = builder.node('Conv', [input, builder.constant(normalTensor(random, [3, 1, 3, 3]))], {
    name: '/conv/Conv',
  });
  const maps = builder.node('Relu', [conv], { name: '/relu/Relu' });
  const more = activation === '' ? maps : builder.node(activation, [maps]);
  const flat = builder.node('Flatten', [isPooled ? builder.node('GlobalAveragePool', [more]) : more]);
  const weight = normalTensor(random, [isPooled ? 3 : 48, 2]);
  builder.addOutput(builder.node('MatMul', [flat, builder.constant(weight)]));
  return builder.build();
}

/** softmax(x xᵀ) x over three tokens, and their mean times a weight. */
function attentionModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 3, 4));
  const turned = builder.node('Transpose', [input], { attributes: { perm: [0, 2, 1] } });
  const probabilities = builder.node('Softmax', [builder.node('MatMul', [input, turned])]);
  const mean = builder.reduce('ReduceMean', builder.node('MatMul', [probabilities, input]), [1], false);
  builder.addOutput(builder.node('MatMul', [mean, builder.constant(normalTensor(createRandom(8), [4, 2]))]));
  return builder.build();
}

describe('what a method of attribution rests on', function () {
  this.timeout(30_000);
  const random = createRandom(17);
  const x = normalTensor(random, [3, 5]);
  const image = { x: normalTensor(random, [2, 1, 6, 6]) };
  const linear = linearModel(normalTensor(random, [5, 3]));
  const bent = denseModel([5, 8, 3], 'Tanh', 2);

  for (const method of methodNames) {
    it(`is judged on the model, and its own error is reported: ${method}`, async () => {
      const [model, feeds] = fitting(method);
      const draft = await runAttribution(model, feeds, { method });
      const rows = assumptionsIn(draft);
      assert.ok(rows.length > 0);
      for (const { verdict, because } of rows) {
        assert.match(String(verdict), /^(holds|holds for some rows|does not hold|not measured)$/);
        assert.doesNotMatch(String(because), /NaN|undefined|Infinity/);
      }
      const errors = ['maxCompletenessError', 'maxConservationError', 'maxStandardError', 'fidelity'];
      for (const name of errors) {
        const isMeasured = draft.metrics[name] !== undefined;
        assert.equal(isMeasured, draft.evidence[name]?.kind !== 'not-captured', name);
      }
      // These scores add up to nothing and are drawn from nothing: they have no error of their own.
      const hasNone =
        /^(gradient$|guided|deconvnet|grad-cam|score-cam|occlusion|feature-ablation|attention)/.test(method);
      assert.equal(
        errors.some((name) => draft.metrics[name] !== undefined),
        !hasNone,
      );
    });
  }

  it('holds for slopes where the model is linear, and not where it is bent', async () => {
    const text = /close to linear between/;
    assert.equal(verdictOn(await runAttribution(linear, { x }, { method: 'gradient' }), text), 'holds');
    const far = {
      x: elementwise(x, (value) => 5 * value),
    };
    const draft = await runAttribution(bent, far, { method: 'gradient' });
    assert.equal(verdictOn(draft, text), 'does not hold');
  });

  it('holds for Grad-CAM where maps are pooled, and not where every position has weights of its own', async () => {
    for (const method of ['grad-cam', 'guided-grad-cam']) {
      const verdicts = await Promise.all(
        [true, false].map(async (isPooled) => {
          const settings = { method, layer: 'relu', relu: false };
          return verdictOn(
            await runAttribution(convolutional('', isPooled), image, settings),
            /A channel means/,
          );
        }),
      );
      assert.deepEqual(verdicts, ['holds', 'does not hold'], method);
    }
  });

  it('holds for Grad-CAM++ where only straight pieces are behind the layer', async () => {
    for (const [activation, expected] of [
      ['LeakyRelu', 'holds'],
      ['Tanh', 'does not hold'],
    ] as const) {
      const settings = { method: 'grad-cam-plus-plus', layer: 'relu' };
      const draft = await runAttribution(convolutional(activation, false), image, settings);
      assert.equal(verdictOn(draft, /piecewise linear/), expected);
      assert.equal(verdictOn(draft, /never negative/), 'holds');
    }
  });

  it('holds for guided backpropagation of rectifiers, and names what is none', async () => {
    const draft = await runAttribution(bent, { x }, { method: 'guided-backprop' });
    assert.equal(verdictOn(draft, /rectifiers/), 'does not hold');
    assert.match(JSON.stringify(assumptionsIn(draft)), /Tanh is on the way/);
    const plain = await runAttribution(denseModel([5, 8, 3]), { x }, { method: 'deconvnet' });
    assert.equal(verdictOn(plain, /rectifiers/), 'holds');
  });

  it('holds for noise that hardly moves the model, and not for noise that drowns the row', async () => {
    for (const [noise, expected] of [
      [0.01, 'holds'],
      [2, 'does not hold'],
    ] as const) {
      const draft = await runAttribution(bent, { x }, { method: 'smoothgrad', noise, samples: 4 });
      assert.equal(verdictOn(draft, /Noisy copies/), expected);
    }
  });

  it('holds for a baseline that says less and that the data could hold, and not for another', async () => {
    const settings = { method: 'occlusion', target: '1' };
    const inside = await runAttribution(linear, { x }, { ...settings, baseline: '0' });
    assert.equal(verdictOn(inside, /something that the data hold/), 'holds');
    const outside = await runAttribution(linear, { x }, { ...settings, baseline: '100' });
    assert.equal(verdictOn(outside, /something that the data hold/), 'does not hold');
    const [output, start] = ['output', 'baselineOutput'].map((name) => toFloat64(arrayOf(outside, name)));
    const good = output!.filter((value, row) => value > start![row]!).length;
    assert.ok(
      assumptionsIn(outside).some(({ because }) => String(because).includes(`for ${good} of 3 rows`)),
    );
  });

  it('holds for features that add up, and not for those that only act together', async () => {
    const text = /Features neither act together/;
    const method = 'feature-ablation';
    assert.equal(verdictOn(await runAttribution(linear, { x }, { method }), text), 'holds');
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 2));
    builder.addOutput(builder.node('ReduceProd', [input], { attributes: { axes: [1], keepdims: 1 } }));
    const together = await runAttribution(builder.build(), { x: float32Tensor([1, 2], [1, 2]) }, { method });
    assert.equal(verdictOn(together, text), 'does not hold');
  });

  function fitting(method: string): readonly [Model, Feeds] {
    if (method === 'tree-shap') {
      const trees = [randomTree(createRandom(1), { columns: 5, depth: 2, targets: 1 })];
      return [treeModel(trees, { columns: 5, targets: 1, kind: 'regressor' }), { x }];
    }
    if (method.startsWith('attention')) return [attentionModel(), { x: normalTensor(random, [2, 3, 4]) }];
    if (/cam/.test(method)) return [imageModel(), { x: normalTensor(createRandom(1), [2, 3, 8, 8]) }];
    return [denseModel([5, 6, 3]), { x }];
  }
});
