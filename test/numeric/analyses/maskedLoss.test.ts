import assert from 'node:assert/strict';
import { generate } from '../../../src/analyses/prediction/generate.js';
import { languageTask } from '../../../src/analyses/shared/language/languageTask.js';
import { type MaskedLoss, measureMaskedLoss } from '../../../src/analyses/shared/language/maskedLoss.js';
import { maskedTokenizer } from '../../../src/analyses/shared/language/maskedModel.js';
import { perplexityOf } from '../../../src/analyses/shared/language/tokenLoss.js';
import { massiveActivations } from '../../../src/analyses/health/massive-activations.js';
import { weightSigns } from '../../../src/analyses/health/weight-signs.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { sampleShapesOf } from '../../../src/data/sampleShapes.js';
import type { Tokenizer } from '../../../src/data/text/tokenizer.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { measureLanguage } from '../../../src/runs/languagePreface.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { runOn } from '../../support/runHealth.js';
import { isCode, range } from '../../support/tensors.js';
import { tinyLanguageModel, tinyRows } from '../../support/tinyLanguageModel.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
const signal = new AbortController().signal;

/** Tokens 0 to 3, and 4 that hides one. */
const [size, maskId] = [5, 4];
const right = 0.9;

/**
 * Tells a token by the one behind it: token t stands in front of t + 1 modulo 4, with probability 0.9. It copies a token that is
 * not hidden. What stands behind the last is 0.
 */
function maskedModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const type = { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] } as const;
  const ids = builder.addInput('input_ids', type);
  builder.addInput('attention_mask', type);
  const table = (of: (row: number, column: number) => number, name: string): string =>
    builder.constant(
      float32Tensor(
        range(0, size).flatMap((row) => range(0, size).map((column) => of(row, column))),
        [size, size],
      ),
      name,
    );
  const behind = table((next, token) => {
    if (token === maskId) return -100;
    return Math.log(token === (next + 3) % 4 ? right : (1 - right) / 3);
  }, 'behind.weight');
  const own = table((token, same) => (token === same && token !== maskId ? 50 : 0), 'own.weight');
  const rest = builder.node('Slice', [ids, builder.int64s([1]), builder.int64s([1000]), builder.int64s([1])]);
  const next = builder.node('Pad', [rest, builder.int64s([0, 0, 0, 1])]);
  const scores = builder.node('Add', [
    builder.node('Gather', [behind, next]),
    builder.node('Gather', [own, ids]),
  ]);
  const head = builder.constant(
    float32Tensor(
      range(0, size * size).map((i) => (i % (size + 1) === 0 ? 1 : 0)),
      [size, size],
    ),
    'head.weight',
  );
  builder.node('MatMul', [scores, head], { outputs: ['logits'], name: '/head/MatMul' });
  builder.addOutput('logits', floatType('N', 'T', size));
  return builder.build();
}

const tokenizer: Tokenizer = {
  ...{ vocabularySize: size, prefix: [], suffix: [], endIds: [], padId: undefined, maskId },
  encode: () => Int32Array.of(0),
  decode: (ids) => ids.join(' '),
  textOf: String,
};

// 0 1 2 3 is told right everywhere; of 0 1 3 3 the two in the middle are not; of the third row two tokens are padding.
const feeds: Feeds = {
  input_ids: int64Tensor([0, 1, 2, 3, 0, 1, 3, 3, 2, 3, 0, 0], [3, 4]),
  attention_mask: int64Tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], [3, 4]),
};
const tokenCount = 10;
const rightCount = 8;
const expected = Math.exp(-(rightCount * Math.log(right) + 2 * Math.log((1 - right) / 3)) / tokenCount);

function dataOf(fed: Feeds): Dataset {
  return { ...memoryDataset(fed), tokens: { input: 'input_ids', tokenizer, path: '/test/tokenizer.json' } };
}

function measure(
  options: { batchSize?: number; tokenLimit?: number; data?: Dataset } = {},
): Promise<MaskedLoss> {
  const model = maskedModel();
  const { batchSize = 3, tokenLimit = 1000, data = dataOf(feeds) } = options;
  const task = languageTask(model, data);
  assert(task !== undefined);
  return measureMaskedLoss({
    model,
    task,
    tokenizer,
    runtime,
    data,
    batchSize,
    tokenLimit,
    limit: undefined,
    signal,
  });
}

describe('the loss of hidden tokens', () => {
  it('is the planted one, each token hidden by itself and padding never, whatever the batch size', async () => {
    for (const batchSize of [1, 2, 7]) {
      const found = await measure({ batchSize });
      assert.equal(found.loss.tokenCount, tokenCount);
      assert.equal(found.rightCount, rightCount);
      assert.ok(
        Math.abs(perplexityOf(found.loss) - expected) < 1e-5,
        `${perplexityOf(found.loss)}, ${expected}`,
      );
    }
  });

  it('rests on a part of many tokens, the same in every run', async () => {
    const data = dataOf({
      input_ids: int64Tensor(
        range(0, 1600).map((i) => i % 4),
        [100, 16],
      ),
      attention_mask: int64Tensor(new Array<number>(1600).fill(1), [100, 16]),
    });
    const [first, second] = [
      await measure({ data, tokenLimit: 160 }),
      await measure({ data, tokenLimit: 160 }),
    ];
    assert.deepEqual(first, second);
    assert.equal(first.eligibleCount, 1600);
    // Binomial with share 0.1: 160 ± 12.
    assert.ok(Math.abs(first.loss.tokenCount - 160) < 50, String(first.loss.tokenCount));
    assert.equal(first.rightCount, first.loss.tokenCount);
  });
});

describe('a masked language model', () => {
  it('is told by its tokenizer and by trial', async () => {
    const told = async (model: Model, tokens: Dataset['tokens']): Promise<boolean> => {
      const data = memoryDataset({ input_ids: tinyRows(3, 4) });
      const task = languageTask(model);
      assert(task !== undefined);
      return (await maskedTokenizer({ model, task, runtime, data }, tokens)) !== undefined;
    };
    const tokens = { input: 'input_ids', tokenizer, path: '' };
    assert.equal(await told(tinyLanguageModel({ seesAll: true }), tokens), true);
    assert.equal(await told(tinyLanguageModel(), tokens), false);
    const unmasked = { ...tokens, tokenizer: { ...tokenizer, maskId: undefined } };
    assert.equal(await told(tinyLanguageModel({ seesAll: true }), unmasked), false);
  });

  it('begins reports with its pseudo-perplexity and has no perplexity', async () => {
    const data = dataOf(feeds);
    const preface = await measureLanguage({
      ...{ model: maskedModel(), runtime, data, batchSize: 2, limit: undefined, signal },
      ...{ sampleShapes: await sampleShapesOf(data), progress: () => undefined },
    });
    assert.deepEqual(Object.keys(preface.metrics), ['pseudoPerplexity', 'maskedLossPerToken']);
    assert.ok(Math.abs((preface.metrics['pseudoPerplexity'] ?? 0) - expected) < 1e-5);
    assert.deepEqual(preface.evidence['pseudoPerplexity'], {
      kind: 'measured',
      n: 3,
      how: '10 of 10 tokens, hidden one at a time',
    });
    assert.deepEqual(preface.warnings, []);
  });

  it('is scored by its hidden tokens', async () => {
    const draft = await runOn(weightSigns, maskedModel(), dataOf(feeds));
    assert.equal(draft.metrics['intactScore'], rightCount / tokenCount);
    assert.match(draft.summary, /masked-token accuracy/u);
  });

  it('has its massive activations judged by hidden tokens, and is judged by none where nothing hides them', async () => {
    const settings = { magnitude: 40 };
    const draft = await runOn(massiveActivations, maskedModel(), dataOf(feeds), { settings });
    const table = draft.blocks.find((block) => block.type === 'table' && block.title?.endsWith('changed'));
    assert(table?.type === 'table');
    assert.ok(Math.abs(Number(table.rows[0]?.['loss']) - Math.log(expected)) < 1e-5);
    assert.equal(table.alt, 'Cross-entropy over 10 hidden tokens.');
    const blind = await runOn(massiveActivations, maskedModel(), memoryDataset(feeds), { settings });
    assert.match(blind.evidence['zeroLossIncrease']?.how ?? '', /no tokenizer with a mask token/);
    const unscored = await runOn(weightSigns, maskedModel(), memoryDataset(feeds));
    assert.match(unscored.evidence['intactScore']?.how ?? '', /no tokenizer with a mask token/);
  });

  it('writes no text, and says what it is', async () => {
    const asked = { settings: { promptIds: '0,1,2', tokens: 2 } };
    await assert.rejects(runOn(generate, maskedModel(), dataOf(feeds), asked), isCode('masked-model'));
  });
});
