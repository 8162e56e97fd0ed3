import assert from 'node:assert/strict';
import { join } from 'node:path';
import { tryCausality } from '../../../src/analyses/shared/language/causality.js';
import { languageTask } from '../../../src/analyses/shared/language/languageTask.js';
import { lossPreface } from '../../../src/analyses/shared/language/lossPreface.js';
import { measureTokenLoss } from '../../../src/analyses/shared/language/measureTokenLoss.js';
import { perplexityOf, type TokenLoss } from '../../../src/analyses/shared/language/tokenLoss.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { measureLanguage } from '../../../src/runs/languagePreface.js';
import { sampleShapesOf } from '../../../src/data/sampleShapes.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType } from '../../support/modelBuilder.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { samplesDir } from '../../support/paths.js';
import {
  lossByHand,
  tinyLanguageModel,
  type TinyLanguageOptions,
  tinyRows,
  tinyVocabulary,
} from '../../support/tinyLanguageModel.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
const signal = new AbortController().signal;
const ids = tinyRows(5, 6);

async function lossOf(model: Model, data: Dataset, batchSize = 2): Promise<TokenLoss> {
  const task = languageTask(model, data);
  assert(task !== undefined);
  return measureTokenLoss({ model, task, runtime, data, batchSize, limit: undefined, signal });
}

async function scoresOf(model: Model, feeds: Feeds): Promise<TensorValue> {
  const session = await runtime.open(model);
  const [scores] = Object.values(await session.run(feeds));
  await session.close();
  assert(scores !== undefined);
  return scores;
}

async function prefaceOf(model: Model, data: Dataset): Promise<Awaited<ReturnType<typeof measureLanguage>>> {
  const sampleShapes = await sampleShapesOf(data);
  const progress = (): void => undefined;
  return measureLanguage({
    model,
    runtime,
    data,
    batchSize: 4,
    limit: undefined,
    signal,
    sampleShapes,
    progress,
  });
}

describe('the loss of tokens', () => {
  it('is Σ −log p of the logits by hand, whatever the batch size, and leaves masked tokens out', async () => {
    const model = tinyLanguageModel({ hasMask: true });
    // Padded behind, padded in front, whole, nothing but padding.
    const flags = [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1];
    const mask = int64Tensor(flags, [5, 6]);
    const feeds = { input_ids: ids, attention_mask: mask };
    const byHand = lossByHand(await scoresOf(model, feeds), ids, mask);
    assert.equal(byHand.count, 3 + 3 + 5 + 0 + 1);
    for (const batchSize of [1, 2, 5]) {
      const loss = await lossOf(model, memoryDataset(feeds), batchSize);
      assert.equal(loss.tokenCount, byHand.count);
      // Float32 LogSoftmax of scores of size 2.
      assert.ok(Math.abs(loss.sum - byHand.sum) < 1e-6 * byHand.sum, `${loss.sum} ${byHand.sum}`);
    }
  });

  it('takes what enters a final Softmax, so that no probability rounds to 0', async () => {
    const sharp: TinyLanguageOptions = { sharpness: 80 };
    const feeds = { input_ids: ids };
    const byHand = lossByHand(await scoresOf(tinyLanguageModel(sharp), feeds), ids);
    const loss = await lossOf(tinyLanguageModel({ ...sharp, isProbabilities: true }), memoryDataset(feeds));
    assert.ok(byHand.sum / byHand.count > 80);
    assert.ok(Math.abs(loss.sum - byHand.sum) < 1e-6 * byHand.sum);
  });

  it('of a rewritten model is measured on the same data: without its scores every token is as likely', async () => {
    const model = tinyLanguageModel();
    const task = languageTask(model);
    assert(task !== undefined);
    const { graph } = model;
    const nodes = graph.nodes.map((node) =>
      node.outputs[0] === 'logits'
        ? { ...node, opType: 'Sub', inputs: [node.inputs[0] ?? '', node.inputs[0] ?? ''] }
        : node,
    );
    const silenced = { ...model, graph: { ...graph, nodes } };
    const data = memoryDataset({ input_ids: ids });
    const loss = await measureTokenLoss({
      model: silenced,
      task,
      runtime,
      data,
      batchSize: 4,
      limit: undefined,
      signal,
    });
    assert.ok(Math.abs(perplexityOf(loss) - tinyVocabulary) < 1e-5);
  });

  it('of story-lm is that of its logits', async () => {
    const dir = join(samplesDir, 'story-lm');
    const model = await readModel(join(dir, 'story-lm.onnx'));
    const data = await openDataset(join(dir, 'story-lm.inspect.json'), model);
    let fed: Feeds = {};
    for await (const { feeds } of data.batches({ batchSize: 6, limit: 6 })) fed = feeds;
    assert(fed['tokens'] !== undefined);
    const byHand = lossByHand(await scoresOf(model, fed), fed['tokens']);
    const loss = await lossOf(model, memoryDataset(fed), 4);
    assert.equal(loss.tokenCount, 6 * 63);
    assert.ok(Math.abs(loss.sum - byHand.sum) < 1e-6 * byHand.sum);
  });
});

describe('a language model', () => {
  it('is told by its inputs and outputs', () => {
    assert.equal(languageTask(denseModel([4, 3])), undefined);
    assert.deepEqual(
      [tinyLanguageModel(), tinyLanguageModel({ hasMask: true, isProbabilities: true })].map((model) => {
        const task = languageTask(model);
        return [task?.ids, task?.mask, task?.output, task?.vocabularySize];
      }),
      [
        ['input_ids', undefined, 'logits', 7],
        ['input_ids', 'attention_mask', 'probabilities', 7],
      ],
    );
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('input_ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
    builder.addOutput('last_hidden_state', floatType('N', 'T', 384));
    assert.equal(languageTask(builder.build()), undefined);
  });

  it('is causal when another last token changes nothing before it', async () => {
    const tried = async (options: TinyLanguageOptions): Promise<boolean | undefined> => {
      const model = tinyLanguageModel(options);
      const task = languageTask(model);
      assert(task !== undefined);
      const data = memoryDataset({ input_ids: ids });
      return (await tryCausality({ model, task, runtime, data }))?.isCausal;
    };
    assert.equal(await tried({}), true);
    assert.equal(await tried({ seesAll: true }), false);
  });

  it('begins every report with its perplexity and what a uniform guess has', async () => {
    const model = tinyLanguageModel();
    const byHand = lossByHand(await scoresOf(model, { input_ids: ids }), ids);
    const { metrics, evidence, blocks } = await prefaceOf(model, memoryDataset({ input_ids: ids }));
    assert.ok(Math.abs((metrics['perplexity'] ?? 0) - Math.exp(byHand.sum / byHand.count)) < 1e-4);
    assert.deepEqual(evidence['lossPerToken'], { kind: 'measured', n: 5, how: '25 tokens' });
    const text = blocks.find((block) => block.type === 'markdown');
    assert.match(
      text?.type === 'markdown' ? text.text : '',
      /^Perplexity [\d.]+ on 25 tokens; a uniform guess has 7\.$/,
    );
  });

  it('has no perplexity when it reads what it is to predict, and says so', async () => {
    const preface = await prefaceOf(tinyLanguageModel({ seesAll: true }), memoryDataset({ input_ids: ids }));
    assert.deepEqual(preface.metrics, {});
    assert.match(
      preface.warnings.join(),
      /no perplexity: "logits" at a position depends on the tokens behind it/,
    );
    const single = await prefaceOf(tinyLanguageModel(), memoryDataset({ input_ids: tinyRows(3, 1) }));
    assert.deepEqual([single.metrics, single.warnings], [{}, []]);
  });

  it('is warned of at chance, and of losses that are no numbers', () => {
    const facts = { vocabularySize: 8, sampleCount: 10 };
    const uniform = Math.log(8);
    const loss = (mean: number, spread: number, nonFiniteCount = 0): TokenLoss => {
      return {
        tokenCount: 400,
        sum: 400 * mean,
        sumOfSquares: 400 * (mean ** 2 + spread ** 2),
        nonFiniteCount,
      };
    };
    // Its error is 1 / √400 = 0.05.
    assert.deepEqual(lossPreface(loss(uniform - 0.1, 1), facts).warnings, []);
    assert.match(
      lossPreface(loss(uniform - 0.05, 1), facts).warnings.join(),
      /at chance: 7\.61 on 400 tokens, and guessing every token alike gives 8/,
    );
    assert.match(lossPreface(loss(NaN, 1, 3), facts).warnings.join(), /NaN or infinite on 3 of 400 tokens/);
  });
});
