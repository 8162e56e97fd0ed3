import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from '../../../src/analyses/prediction/generate.js';
import { contextLengthOf } from '../../../src/analyses/shared/language/contextLength.js';
import { decoderPortsOf } from '../../../src/analyses/shared/language/decoderPortsOf.js';
import { languageTask } from '../../../src/analyses/shared/language/languageTask.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom } from '../../../src/base/random.js';
import { readTokenizer } from '../../../src/data/text/tokenizer.js';
import {
  chooseToken,
  likeliest,
  logProbabilitiesOf,
  type SamplingSettings,
} from '../../../src/engine/generation/chooseToken.js';
import { type Decoder, openDecoder, rowFeeds } from '../../../src/engine/generation/decoder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { cachedDecoder, cachedVocabulary } from '../../support/cachedDecoder.js';
import { denseModel } from '../../support/modelBuilder.js';
import { itWithShared, samplesDir } from '../../support/paths.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { lossByHand, tinyLanguageModel, tinyRows } from '../../support/tinyLanguageModel.js';
import { readLlamaTokens, sentencePieceBpeJson } from '../../support/tinyTokenizers.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
const greedy: SamplingSettings = { temperature: 0, topK: undefined, topP: 1 };

async function decoderOf(model: Model): Promise<Decoder> {
  const task = languageTask(model);
  assert(task !== undefined);
  return openDecoder(model, decoderPortsOf(model, task), runtime);
}

/** Argmax after argmax over the whole row, by the model as it is. */
async function byHand(
  model: Model,
  prompt: readonly number[],
  count: number,
  window = Infinity,
): Promise<number[]> {
  const task = languageTask(model);
  assert(task !== undefined);
  const ports = decoderPortsOf(model, task);
  const session = await runtime.open(model);
  const tokens = [...prompt];
  for (let i = 0; i < count; i++) {
    const seen = tokens.slice(-Math.min(window, tokens.length));
    const scores = (await session.run(rowFeeds(ports, { tokens: seen })))[task.output];
    assert(scores !== undefined);
    const size = scores.dims[2] ?? 0;
    tokens.push(likeliest(toFloat64(scores).subarray((seen.length - 1) * size, seen.length * size)));
  }
  await session.close();
  return tokens.slice(prompt.length);
}

function idsOf(draft: ReportDraft): number[] {
  const ids = draft.arrays['ids'];
  assert(ids !== undefined);
  return [...toFloat64(ids.value)];
}

describe('a decoder', () => {
  it('with keys and values fed back scores as the whole row does, and starts over for another text', async () => {
    const model = cachedDecoder();
    const [cached, whole] = [await decoderOf(model), await decoderOf(cachedDecoder('other'))];
    assert.deepEqual([cached.isCached, whole.isCached], [true, false]);
    for (const tokens of [[3], [3, 1], [3, 1, 4, 1], [3, 1, 4, 1, 5], [2, 7], [2, 7, 1]]) {
      const [one, other] = [await cached.scoresAfter(tokens), await whole.scoresAfter(tokens)];
      assert.equal(one.length, cachedVocabulary);
      for (const [id, score] of one.entries()) assert.ok(Math.abs(score - (other[id] ?? NaN)) < 1e-4);
    }
    await cached.close();
    await whole.close();
  });

  it('fills rows of a fixed length and batch up', async () => {
    const open = await decoderOf(tinyLanguageModel());
    const fixed = await decoderOf(tinyLanguageModel({ fixedShape: [2, 6], hasMask: true }));
    const [one, other] = [await open.scoresAfter([1, 5, 2]), await fixed.scoresAfter([1, 5, 2])];
    assert.deepEqual(one, other);
    await open.close();
    await fixed.close();
  });
});

describe('the next token', () => {
  const scores = Float64Array.of(0, 2, 1, -1, 2);

  it('is the first of the likeliest at temperature 0, and the only one left by top-k or top-p', () => {
    const random = createRandom(1);
    assert.equal(chooseToken(scores, greedy, random), 1);
    assert.equal(chooseToken(scores, { temperature: 5, topK: 1, topP: 1 }, random), 1);
    assert.equal(chooseToken(scores, { temperature: 5, topK: undefined, topP: 0 }, random), 1);
  });

  it('is drawn as often as softmax(scores / temperature) says, cut to the likeliest', () => {
    const random = createRandom(2);
    const drawn = (settings: SamplingSettings, count: number): number[] => {
      const counts = new Array<number>(scores.length).fill(0);
      for (let i = 0; i < count; i++) counts[chooseToken(scores, settings, random)]!++;
      return counts.map((times) => times / count);
    };
    const shares = (temperature: number, kept: readonly number[]): number[] => {
      const logs = logProbabilitiesOf(
        scores.map((score, id) => (kept.includes(id) ? score / temperature : -Infinity)),
      );
      return [...logs].map((log) => Math.exp(log));
    };
    const count = 20_000;
    const cases: [SamplingSettings, number[]][] = [
      [{ temperature: 2, topK: undefined, topP: 1 }, shares(2, [0, 1, 2, 3, 4])],
      [{ temperature: 1, topK: 3, topP: 1 }, shares(1, [1, 2, 4])],
      // 0.39 + 0.39 are short of 0.9, and 0.14 more are not.
      [{ temperature: 1, topK: undefined, topP: 0.9 }, shares(1, [1, 2, 4])],
      [{ temperature: 1, topK: undefined, topP: 0.7 }, shares(1, [1, 4])],
    ];
    for (const [settings, expected] of cases) {
      for (const [id, share] of drawn(settings, count).entries()) {
        // Five standard deviations of a share.
        const error = 5 * Math.sqrt(0.25 / count);
        assert.ok(
          Math.abs(share - (expected[id] ?? NaN)) < error,
          `${JSON.stringify(settings)} ${id} ${share}`,
        );
      }
    }
  });
});

describe('generate', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();

  it('writes what argmax after argmax gives, with and without a cache, and says how sure it was', async () => {
    const model = cachedDecoder();
    const draft = await runAnalysisOn(generate, { model, feeds: {} }, { promptIds: '3, 1', tokens: 12 });
    const written = await byHand(model, [3, 1], 12);
    assert.deepEqual(idsOf(draft), [3, 1, ...written]);
    const again = await runAnalysisOn(
      generate,
      { model: cachedDecoder('other'), feeds: {} },
      { promptIds: '3, 1', tokens: 12 },
    );
    assert.deepEqual(idsOf(again), idsOf(draft));
    const log = toFloat64(draft.arrays['logProbability']!.value);
    const mean = log.reduce((a, b) => a + b, 0) / 12;
    assert.ok(Math.abs((draft.metrics['writtenPerplexity'] ?? 0) - Math.exp(-mean)) < 1e-9);
    const tokens = draft.blocks.find((block) => block.type === 'tokens');
    assert(tokens?.type === 'tokens');
    assert.equal(tokens.tokens.length, 14);
    assert.match(tokens.tokens[2]?.note ?? '', /^p [\d.]+ %, surprise .* nats, the likeliest; “#\d+” /);
  });

  it('reads the prompt in one run: its perplexity is that of the logits by hand', async () => {
    const model = tinyLanguageModel();
    const ids = tinyRows(1, 9);
    const draft = await runAnalysisOn(
      generate,
      { model, feeds: {} },
      { promptIds: [...ids.data].join(), tokens: 1, alternatives: 7 },
    );
    const session = await runtime.open(model);
    const { logits } = await session.run({ input_ids: ids });
    await session.close();
    assert(logits !== undefined);
    const { sum, count } = lossByHand(logits, ids);
    assert.ok(Math.abs((draft.metrics['promptPerplexity'] ?? 0) - Math.exp(sum / count)) < 1e-4);
  });

  it('draws the same text for the same seed, and another for another', async () => {
    const model = tinyLanguageModel();
    const settings = { promptIds: '1', tokens: 30, temperature: 1 };
    const texts = await Promise.all(
      [1, 1, 2].map(async (seed) =>
        idsOf(await runAnalysisOn(generate, { model, feeds: {} }, settings, { seed })).join(),
      ),
    );
    assert.equal(texts[0], texts[1]);
    assert.notEqual(texts[0], texts[2]);
  });

  it('refuses models that write no text, prompts without a tokenizer, and tokens beyond the vocabulary', async () => {
    const run = (model: Model, settings: object): Promise<ReportDraft> =>
      runAnalysisOn(generate, { model, feeds: {} }, { ...settings });
    await assert.rejects(run(denseModel([4, 3]), {}), { code: 'no-language-model' });
    await assert.rejects(run(tinyLanguageModel(), {}), { code: 'tokenizer-missing' });
    await assert.rejects(run(tinyLanguageModel(), { promptIds: '1,7' }), { code: 'tokenizer-mismatch' });
  });

  it('continues story-lm beyond its 64 positions as argmax over the last 64 does', async () => {
    const model = await readModel(join(samplesDir, 'story-lm', 'story-lm.onnx'));
    const task = languageTask(model);
    assert(task !== undefined);
    assert.equal(contextLengthOf(model, task), 64);
    const austen = await readTokenizer(join(samplesDir, 'story-lm', 'tokenizer.json'));
    const prompt = [...austen.encode('It was a truth universally acknowledged, that a single man')];
    const count = 64 - prompt.length + 4;
    const draft = await runAnalysisOn(
      generate,
      { model, feeds: {} },
      { prompt: 'It was a truth universally acknowledged, that a single man', tokens: count },
    );
    assert.deepEqual(idsOf(draft).slice(prompt.length), await byHand(model, prompt, count, 64));
    assert.match(draft.warnings.join(), /sees 64 tokens .*older ones were left out/);
    assert.match(
      draft.summary,
      /^After “It was a truth universally acknowledged, that a single man” comes “/,
    );
  });

  itWithShared('tells the story of Lily from BOS with stories260k, its tokens converted', async (shared) => {
    const dir = join(shared, 'models', 'stories260k');
    const model = await readModel(join(dir, 'model.onnx'));
    const tokenizer = join(folder(), 'tokenizer.json');
    const pieces = readLlamaTokens(readFileSync(join(dir, 'tok512.bin')));
    writeFileSync(tokenizer, JSON.stringify(sentencePieceBpeJson(pieces)));
    const draft = await runAnalysisOn(generate, { model, feeds: {} }, { prompt: '', tokenizer, tokens: 60 });
    assert.deepEqual(idsOf(draft), [1, ...(await byHand(model, [1], 60))]);
    const converted = await readTokenizer(tokenizer);
    const text = converted.decode(idsOf(draft));
    assert.match(text, /^Once upon a time, there was a little girl named Lily\. /);
  });
});
