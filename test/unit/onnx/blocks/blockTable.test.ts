import assert from 'node:assert/strict';
import { join } from 'node:path';
import { layersOf } from '../../../../src/onnx/layers/layerTable.js';
import { blockContextOf, findBlocks } from '../../../../src/onnx/blocks/findBlocks.js';
import { blockKinds, blockPapers } from '../../../../src/onnx/blocks/blockTable.js';
import { findCandidates } from '../../../../src/onnx/layers/candidates.js';
import { inferTypes } from '../../../../src/onnx/shapes/inferTypes.js';
import type { Model } from '../../../../src/onnx/model.js';
import { readModel } from '../../../../src/onnx/readModel.js';
import { blockTitle, notableBlocks } from '../../../../src/protocol/blockWords.js';
import { deepModel } from '../../../support/deepModel.js';
import { samplesDir } from '../../../support/paths.js';
import { BlockBuilder } from '../../../support/plantedBlocks.js';

describe('the table of blocks', () => {
  it('has each kind once, with a title and a sentence on what it does not recognise', () => {
    const ids = blockKinds.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { id, limits } of blockKinds) {
      assert.notEqual(blockTitle(id), id);
      assert.match(limits, /\.$/);
    }
    assert.equal(blockTitle('of-a-newer-version'), 'of-a-newer-version');
    assert.deepEqual(notableBlocks(['norm-activation', 'residual']), ['residual']);
  });

  it('has a row for every paper with a line, and no other', () => {
    const lines = blockPapers.papers.flatMap(({ line }) => line ?? []);
    assert.deepEqual(
      blockPapers.rows.map(({ line }) => line).sort((a, b) => a - b),
      lines.sort((a, b) => a - b),
    );
    assert.equal(new Set(lines).size, lines.length);
  });
});

describe('finding blocks', () => {
  it('names them after the scope that holds them, or the scope around them and their kind', async () => {
    const { blocks, byName } = layersOf(await readModel(join(samplesDir, 'story-lm', 'story-lm.onnx')));
    assert.deepEqual(
      blocks.slice(0, 3).map(({ kind, name }) => [kind, name]),
      [
        ['residual', 'blocks.0.residual'],
        ['attention', 'blocks.0.attention'],
        ['residual', 'blocks.0.residual_1'],
      ],
    );
    assert.deepEqual(byName.get('blocks.0.attention')?.blocks, ['attention', 'residual']);
    assert.deepEqual(byName.get('blocks.0')?.blocks, []);
  });

  it('marks what a flat graph holds of a block on the layers themselves', () => {
    const net = new BlockBuilder(['N', 4, 8, 8]);
    const wide = net.op('Relu', [net.conv('x', [4, 4])]);
    const table = net.planted.layers(net.op('Relu', [net.conv(wide, [4, 4], 1)]));
    assert.deepEqual(
      table.layers.map(({ blocks }) => blocks),
      [['mlpconv'], ['mlpconv'], ['mlpconv'], ['mlpconv']],
    );
  });

  it('looks at a bounded number of nodes, also where every sum reaches back to the first value', () => {
    const net = new BlockBuilder(['N', 8]);
    const start = net.op('Relu', ['x']);
    const weight = net.planted.weight([8, 8]);
    let value = start;
    for (let i = 0; i < 500; i++) value = net.op('Add', [start, net.op('MatMul', [value, weight])]);
    const { given, left } = visitsOf(net.planted.model(value));
    assert.equal(left, 0);
    // A model as transformers are exported comes nowhere near the bound.
    const usual = visitsOf(deepModel(20));
    assert.ok(usual.given - usual.left < 10 * usual.nodeCount, String(usual.given - usual.left));
    assert.equal(given, 64 * 1001);
  });
});

function visitsOf(model: Model): { given: number; left: number; nodeCount: number } {
  const types = inferTypes(model);
  const { views, layers } = layersOf(model, types);
  const contexts = views.map((view) => blockContextOf(view, findCandidates(view), types));
  const given = contexts[0]?.budget.left ?? 0;
  findBlocks(contexts, layers);
  return { given, left: contexts[0]?.budget.left ?? 0, nodeCount: model.graph.nodes.length };
}
