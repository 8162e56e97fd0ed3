import assert from 'node:assert/strict';
import { embeddings } from '../../../src/analyses/prediction/embeddings.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { symmetricEigenvalues } from '../../../src/engine/numeric/symmetricEigenvalues.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { arrayOf } from '../../support/runAttribution.js';
import { isCode } from '../../support/tensors.js';

const rowCount = 40;
const width = 8;

/** A model that looks rows up in a table; `isQuantised` stores the table in 8 bits, scale 1/16. */
function lookUp(table: readonly number[], isQuantised = false): Model {
  const builder = new GraphBuilder(emptyModel());
  const ids = builder.addInput('ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 3] });
  let weight: string;
  if (isQuantised) {
    const bytes = {
      dtype: 'int8',
      dims: [rowCount, width],
      data: Int8Array.from(table, (value) => value * 16),
    } as const;
    weight = builder.node('DequantizeLinear', [
      builder.constant(bytes, 'item.quantised'),
      builder.scalar(1 / 16),
    ]);
  } else weight = builder.constant(float32Tensor(table, [rowCount, width]), 'item.weight');
  builder.addOutput(builder.node('Gather', [weight, ids]));
  return builder.build();
}

/** A table of k directions, each as strong as the others: rows come in blocks that are multiples of one axis. */
function plantedTable(k: number): number[] {
  const rowsEach = Math.floor(rowCount / k);
  return Array.from({ length: rowCount * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row < k * rowsEach && column === row % k ? 2 : 0;
  });
}

const feeds = { ids: int64Tensor([0, 1, 1, 2, 1, -1], [2, 3]) };

describe('embeddings', () => {
  itHolds(213, 'have effective rank k where k equal directions were planted', async () => {
    for (const k of [1, 2, 5, 8]) {
      for (const isQuantised of [false, true]) {
        const draft = await runAnalysisOn(embeddings, { model: lookUp(plantedTable(k), isQuantised), feeds });
        // k equal singular values in float64.
        assert.ok(
          Math.abs((draft.metrics['effectiveRank'] ?? NaN) - k) < 1e-9,
          `${k}: ${draft.metrics['effectiveRank']}`,
        );
      }
    }
  });

  itHolds(
    213,
    'have rank k where a random product of k factors was planted, and effective rank below it',
    async () => {
      const random = createRandom(213);
      const k = 3;
      const [left, right] = [normalTensor(random, [rowCount, k]), normalTensor(random, [k, width])];
      const table = Array.from({ length: rowCount * width }, (_, i) => {
        let sum = 0;
        for (let j = 0; j < k; j++) {
          sum +=
            Number(left.data[Math.floor(i / width) * k + j]) * Number(right.data[j * width + (i % width)]);
        }
        return sum;
      });
      const draft = await runAnalysisOn(embeddings, { model: lookUp(table), feeds });
      const rows = draft.blocks.flatMap((block) => (block.type === 'table' ? [block.rows[0]] : []));
      assert.equal(rows[0]?.['rank'], k);
      const effective = draft.metrics['effectiveRank'] ?? NaN;
      assert.ok(effective > 1 && effective <= k);
      assert.equal(draft.metrics['collapsedCount'], effective < width / 4 ? 1 : 0);
    },
  );

  it('are counted by the inputs that name rows, negative ones from the end', async () => {
    const draft = await runAnalysisOn(embeddings, { model: lookUp(plantedTable(5)), feeds });
    const [name = ''] = Object.keys(draft.arrays).filter((key) => key.endsWith('.reads'));
    const reads = [...toFloat64(arrayOf(draft, name))];
    assert.deepEqual([reads.slice(0, 3), reads.at(-1)], [[1, 3, 1], 1]);
    assert.ok(Math.abs((draft.metrics['unusedShare'] ?? NaN) - 36 / 40) < 1e-12);
  });

  it('list the rows that point the same way as the nearest', async () => {
    const draft = await runAnalysisOn(
      embeddings,
      { model: lookUp(plantedTable(5)), feeds },
      { rows: '7', neighbours: 3 },
    );
    const table = draft.blocks.find(
      (block) => block.type === 'table' && block.title?.endsWith('cosine') === true,
    );
    assert(table?.type === 'table');
    // Rows 2, 7, 12, … lie on axis 2.
    assert.equal(table.rows[0]?.['nearest'], '2 (1.000) · 12 (1.000) · 17 (1.000)');
  });

  it('are refused where there is no table', async () => {
    const dense = { model: denseModel([4, 3]), feeds: { x: normalTensor(createRandom(1), [2, 4]) } };
    await assert.rejects(runAnalysisOn(embeddings, dense), isCode('no-embeddings'));
  });
});

describe('eigenvalues of a symmetric matrix', () => {
  it('are those of a matrix that was rotated, and keep its trace and norm', () => {
    // [[2, 1], [1, 2]] has 3 and 1.
    assert.ok(Math.abs((symmetricEigenvalues(Float64Array.of(2, 1, 1, 2), 2)[1] ?? NaN) - 1) < 1e-14);
    const random = createRandom(9);
    const size = 30;
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) matrix[i * size + j] = matrix[j * size + i] = random.normal();
    }
    const values = symmetricEigenvalues(matrix, size);
    const trace = Array.from({ length: size }, (_, i) => matrix[i * (size + 1)] ?? 0).reduce(
      (a, b) => a + b,
      0,
    );
    assert.ok(Math.abs(values.reduce((a, b) => a + b, 0) - trace) < 1e-10);
    const squares = matrix.reduce((sum, value) => sum + value * value, 0);
    assert.ok(Math.abs(values.reduce((sum, value) => sum + value * value, 0) - squares) < 1e-9);
    assert.deepEqual(
      [...values],
      [...values].sort((a, b) => b - a),
    );
  });
});
