import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { distillInterpretable } from '../../../src/analyses/prediction/distill-interpretable.js';
import { createRandom, type Random } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

/**
 * Two rules over the units of `concepts` (the input, copied): where unit 0 is above 0 the class is 1 when unit 1 is above 0.3,
 * elsewhere when unit 2 is above 0; units 3 and 4 are noise.
 */
function twoRules(): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', 5));
  const identity = Array.from({ length: 25 }, (_, i) => Number(i % 6 === 0));
  const weight = builder.constant(float32Tensor(identity, [5, 5]), 'concepts.weight');
  const concepts = builder.node('MatMul', ['x', weight], { outputs: ['c'], name: '/concepts/MatMul' });
  const unit = (index: number): string =>
    builder.node('Slice', [concepts, ...[index, index + 1, 1].map((each) => builder.int64s([each]))]);
  const first = builder.node('Sub', [unit(1), builder.scalar(0.3)]);
  const isFirst = builder.node('Greater', [unit(0), builder.scalar(0)]);
  const z = builder.node('Where', [isFirst, first, unit(2)]);
  const scale = builder.constant(float32Tensor([-40, 40], [1, 2]), 'head.weight');
  builder.addOutput(builder.node('MatMul', [z, scale], { outputs: ['logits'], name: '/head/MatMul' }));
  return builder.build();
}

/** Rows with five concepts in −2 … 2; `gap` leaves unit 1 out of −gap … gap, and `within` keeps it inside. */
function rowsOf(
  random: Random,
  count: number,
  range: { readonly gap?: number; readonly within?: number },
): TensorValue {
  const { gap = 0, within = 2 } = range;
  const data = Float32Array.from({ length: 5 * count }, (_, i) => {
    const value = 2 * random.next() - 1;
    return i % 5 === 1 ? Math.sign(value) * (gap + Math.abs(value) * (within - gap)) : 2 * value;
  });
  return float32Tensor(data, [count, 5]);
}

describe('distill-interpretable', () => {
  const folder = useTemporaryFolder();
  const model = twoRules();
  const x = rowsOf(createRandom(3), 300, { gap: 1 });

  async function run(settings: Readonly<Record<string, unknown>> = {}): Promise<ReportDraft> {
    return runAnalysisOn(
      distillInterpretable,
      { model, feeds: { x } },
      { layer: 'concepts', depth: 1, ...settings },
    );
  }

  function rulesOf(draft: ReportDraft, title = 'Rules'): { where: string; rule: string }[] {
    const table = draft.blocks.find((block) => block.type === 'table' && block.title === title);
    assert.ok(table?.type === 'table');
    return table.rows.map(({ where, rule }) => ({ where: String(where), rule: String(rule) }));
  }

  itHolds(
    99,
    'finds both rules of a planted two-rule data set, reports fidelity on held-out rows, and fits again on a shifted set',
    async () => {
      // Seed 3, 300 rows, 30 % of them held out. Unit 1 never lies within ±1, so its threshold is open there; on the
      // shifted rows it always does, and the model cuts at 0.3.
      const shifted = join(folder(), 'shifted.npz');
      await writeNpz(shifted, { x: rowsOf(createRandom(4), 300, { within: 1 }) });
      const draft = await run({ shifted });
      const rules = rulesOf(draft);
      const about = (unit: number): typeof rules =>
        rules.filter(({ rule }) => rule.includes(`concepts[${String(unit)}]`));
      for (const unit of [1, 2]) {
        assert.deepEqual(
          about(unit).map(({ rule }) => rule.replace(/-?[\d.e−-]+ →/, '… →')),
          [`concepts[${String(unit)}] ≤ … → class 0`, `concepts[${String(unit)}] > … → class 1`],
        );
      }
      assert.equal(rules.length, 4, 'and no others');
      assert.equal(draft.metrics['expertCount'], 2);
      // One of the two is found first, and its selector says where it holds by the unit that decides.
      assert.match(rules[0]?.where ?? '', /^concepts\[0\] [>≤]/);
      assert.ok(draft.metrics['fidelity']! >= 0.97, String(draft.metrics['fidelity']));
      assert.ok(draft.metrics['coverage']! >= 0.97, String(draft.metrics['coverage']));
      assert.equal(draft.evidence['fidelity']?.n, 90);
      // Half of the shifted rows have unit 0 above 0, and 0 … 0.3 is 15 % of the range of unit 1.
      assert.ok(draft.metrics['shiftedFidelity']! < 0.97, String(draft.metrics['shiftedFidelity']));
      assert.ok(draft.metrics['refitFidelity']! >= 0.97, String(draft.metrics['refitFidelity']));
      const cut = rulesOf(draft, 'Rules fitted again to the shifted data').find(({ rule }) =>
        rule.startsWith('concepts[1] ≤'),
      );
      assert.ok(Math.abs(Number(/≤ ([\d.]+)/.exec(cut?.rule ?? '')?.[1]) - 0.3) < 0.05, cut?.rule);
    },
  );

  it('links every concept that a rule is about', async () => {
    const draft = await run();
    const table = draft.blocks.find((block) => block.type === 'table' && block.title?.startsWith('Concepts'));
    assert.ok(table?.type === 'table');
    assert.deepEqual(table.columns[0]?.kind, 'address');
    assert.deepEqual(
      new Set(table.rows.map(({ concept }) => concept)),
      new Set(['concepts[0]', 'concepts[1]', 'concepts[2]']),
    );
  });

  it('takes columns of a table as concepts, by their names', async () => {
    const columnNames = ['gate', 'first', 'second', 'noise', 'more noise'];
    const draft = await runAnalysisOn(
      distillInterpretable,
      { model, feeds: { x }, columnNames },
      { concepts: 'columns', depth: 1 },
    );
    assert.ok(rulesOf(draft).some(({ rule }) => rule.startsWith('first ≤')));
    await assert.rejects(run({ concepts: 'columns', layer: null }), { code: 'columns-missing' });
  });

  it('finds no rules where answers do not follow from concepts, and says so', async () => {
    // The answer is the parity of three signs: no condition by itself says anything.
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 5));
    const weight = builder.constant(
      float32Tensor(
        Array.from({ length: 25 }, (_, i) => Number(i % 6 === 0)),
        [5, 5],
      ),
      'concepts.weight',
    );
    const signs = builder.node('Sign', [builder.node('MatMul', ['x', weight], { name: '/concepts/MatMul' })]);
    const parity = builder.node('ReduceProd', [signs], { attributes: { axes: [1], keepdims: 1 } });
    const scale = builder.constant(float32Tensor([-1, 1], [1, 2]), 'head.weight');
    builder.addOutput(builder.node('MatMul', [parity, scale], { outputs: ['logits'], name: '/head/MatMul' }));
    const draft = await runAnalysisOn(
      distillInterpretable,
      { model: builder.build(), feeds: { x } },
      { layer: 'concepts', depth: 1, selectorDepth: 1 },
    );
    assert.equal(draft.metrics['expertCount'], 0);
    assert.equal(draft.evidence['fidelity']?.kind, 'not-captured');
    assert.match(draft.summary, /No short rules/);
  });
});
