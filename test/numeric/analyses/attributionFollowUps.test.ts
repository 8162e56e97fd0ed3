import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { followUpSettings } from '../../../src/protocol/partNames.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';

/** y = x · W · v: every effect is a product of weights. */
function twoLinearLayers(): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 4));
  const w = builder.constant(normalTensor(createRandom(1), [4, 6]), 'hidden.weight');
  const hidden = builder.node('MatMul', [input, w]);
  const v = builder.constant(normalTensor(createRandom(2), [6, 1]), 'out.weight');
  builder.addOutput(builder.node('MatMul', [hidden, v]));
  return builder.build();
}

/** Runs what a question about a piece asks. */
function ask(
  model: Model,
  draft: ReportDraft,
  which: { readonly id: string; readonly name: string; readonly rows: string },
) {
  const followUp = draft.followUps?.find(({ id }) => id === which.id);
  assert.ok(followUp, `nothing asks ${which.id}`);
  const settings = followUpSettings(followUp, { item: { rows: which.rows }, name: which.name });
  return runAttribution(model, { x }, settings);
}

const x = normalTensor(createRandom(3), [3, 4]);
const total = (draft: ReportDraft): number =>
  toFloat64(arrayOf(draft, 'attribution')).reduce((a, b) => a + b, 0);

describe('what can be asked about the pieces of an attribution', function () {
  this.timeout(30_000);
  const model = twoLinearLayers();
  let draft: ReportDraft;

  before(async () => {
    draft = await runAttribution(model, { x }, { rows: '2,0' });
  });

  it('names each row and each column of a waterfall: the neurons that carry one add up to its bar', async () => {
    const fall = draft.blocks.find(({ parts }) => parts?.items[0]?.['rows'] === '2');
    assert.ok(fall?.type === 'chart' && fall.parts?.key !== undefined);
    const [row] = fall.table.rows;
    const carried = await ask(model, draft, {
      id: 'carriers',
      name: String(row?.[fall.parts.key]),
      rows: '2',
    });
    assert.ok(Math.abs(total(carried) - Number(row?.['share'])) < 1e-5);
    assert.match(carried.summary, /over hidden/);
  });

  it('leads from a neuron to what drives it, and to its share on the input', async () => {
    const carried = await ask(model, draft, { id: 'carriers', name: '1', rows: '2' });
    const table = carried.blocks.find(({ parts }) => parts?.noun === 'neuron');
    assert.ok(table?.type === 'table');
    const layer = await runAttribution(model, { x }, { rows: '2', layer: 'hidden' });
    const shares = toFloat64(arrayOf(layer, 'attribution'));
    const through = await ask(model, layer, { id: 'through', name: 'hidden[3]', rows: '2' });
    assert.ok(Math.abs(total(through) - shares[3]!) < 1e-5);
    assert.match(through.summary, /what flows through hidden\[3\]/);
    const neuron = await ask(model, layer, { id: 'neuron', name: 'hidden[3]', rows: '2' });
    assert.ok(Math.abs(total(neuron) - neuron.metrics['output']!) < 1e-5);
  });

  it('proposes the last layer before the head, and of a neuron the last before it', async () => {
    const deep = denseModel([4, 5, 5, 2], 'Relu', 7);
    const layersFor = async (settings: Record<string, unknown>) =>
      (await runAttribution(deep, { x }, settings)).followUps?.[0]?.choice;
    const choice = await layersFor({});
    assert.equal(choice?.value, choice?.values.at(-1));
    assert.match(choice?.value ?? '', /^act2$/);
    const before = await layersFor({ neuron: 'act1[0]' });
    assert.deepEqual(before?.values.includes('act2'), false);
  });

  it('keeps what is explained, and a method only where it answers the question', async () => {
    const settings = { target: '0', baseline: '0.5', method: 'deeplift-rescale' };
    const own = await runAttribution(model, { x }, settings);
    assert.deepEqual(own.followUps?.[0]?.settings, settings);
    const slopes = await runAttribution(model, { x }, { target: '0', method: 'gradient' });
    assert.deepEqual(slopes.followUps?.[0]?.settings, { target: '0' });
  });
});
