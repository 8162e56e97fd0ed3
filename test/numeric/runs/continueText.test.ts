import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { generate } from '../../../src/analyses/prediction/generate.js';
import { attribution } from '../../../src/analyses/prediction/attribution.js';
import { silentLogger } from '../../../src/base/logger.js';
import { readTokenizer } from '../../../src/data/text/tokenizer.js';
import { openedModel } from '../../../src/onnx/openedModel.js';
import { readModel } from '../../../src/onnx/readModel.js';
import type { ContinueTextRequest, RunRequest } from '../../../src/protocol/engineMessages.js';
import type { ContinuedText, ReadToken } from '../../../src/protocol/generatedText.js';
import type { Report } from '../../../src/protocol/report.js';
import type { SettingValues } from '../../../src/protocol/settings.js';
import type { UnitTokens } from '../../../src/protocol/units.js';
import { continueText } from '../../../src/runs/continueText.js';
import { createKeptWriter } from '../../../src/runs/keptWriter.js';
import { describeLanguageModel, writeTokens } from '../../../src/runs/languageModel.js';
import { createModelCache } from '../../../src/runs/modelCache.js';
import { runAnalysis } from '../../../src/runs/runAnalysis.js';
import { unitTokens } from '../../../src/runs/unitTokens.js';
import { samplesDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode } from '../../support/tensors.js';

const modelPath = join(samplesDir, 'story-lm', 'story-lm.onnx');
const prompt = 'Once upon a time';
const greedy = { temperature: 0, topK: null, topP: 1, seed: 0 };

interface Told {
  readonly end: ContinuedText;
  readonly prompt: readonly ReadToken[];
  readonly written: readonly ReadToken[];
}

function requestOf(fields: Partial<ContinueTextRequest>): ContinueTextRequest {
  return {
    ...{ kind: 'continue-text', modelPath, prompt, ids: null, tokenCount: 24, ...greedy },
    ...{ alternativeCount: 3, provider: 'cpu', ...fields },
  };
}

/** As the engine process serves one after another. */
const models = createModelCache();
const writers = createKeptWriter(silentLogger);

async function told(fields: Partial<ContinueTextRequest>): Promise<Told> {
  const request = requestOf(fields);
  const heard = { prompt: [] as ReadToken[], written: [] as ReadToken[] };
  const { model } = await models.open(request.modelPath);
  const end = await continueText(model, request, {
    writers,
    progress: () => undefined,
    piece: (piece) => {
      heard.prompt.push(...(piece.prompt ?? []));
      heard.written.push(...piece.written);
    },
  });
  return { end, ...heard };
}

async function reportOf(
  request: Partial<RunRequest> & { readonly settings: SettingValues },
): Promise<Report> {
  const asked: RunRequest = {
    ...{ kind: 'run', analysis: 'generate', modelPath, seed: 0, provider: 'cpu', ...request },
  };
  const hooks = { log: silentLogger, progress: () => undefined, partial: () => undefined };
  return (await runAnalysis(asked, { analyses: [generate, attribution], ...hooks })).report;
}

/** Ids of the table of what was written. */
function idsOf({ blocks }: Report): unknown[] {
  const table = blocks.find(({ title }) => title === 'What was written, and what might have been');
  return (table as unknown as { rows: { id: number }[] }).rows.map(({ id }) => id);
}

const ids = (tokens: readonly ReadToken[]): number[] => tokens.map(({ id }) => id);

describe('a text that is continued', function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();
  after(() => writers.release());

  it('has the tokens of the analysis, whether in one go or in two', async () => {
    const whole = await told({});
    assert.deepEqual(ids(whole.written), idsOf(await reportOf({ settings: { prompt, tokens: 24 } })));
    assert.equal(whole.end.writtenCount, 24);
    assert.equal(whole.end.text, whole.written.map(({ text }) => text).join(''));
    const first = await told({ tokenCount: 10 });
    const second = await told({ tokenCount: 14, ids: [...ids(first.prompt), ...ids(first.written)] });
    assert.deepEqual(second.prompt, []);
    assert.deepEqual(ids([...first.written, ...second.written]), ids(whole.written));
    // What is judged of a token is the same however far the text was when it came.
    const surprises = (tokens: readonly ReadToken[]): number[] =>
      tokens.map(({ judged }) => Number(judged?.surprise));
    surprises([...first.written, ...second.written]).forEach((surprise, at) => {
      assert.ok(Math.abs(surprise - surprises(whole.written)[at]!) < 1e-4, String(at));
    });
  });

  it('is written by the session that wrote before, unless anything about it changed or it was idle for long', async () => {
    const opened = await readModel(modelPath);
    const tokenizerPath = join(samplesDir, 'story-lm', 'tokenizer.json');
    const keeper = createKeptWriter(silentLogger, 20);
    const hooks = { writers: keeper, progress: () => undefined, piece: () => undefined };
    const request = requestOf({ tokenCount: 2 });
    const end = await continueText(opened, request, hooks);
    const first = await keeper.of(opened, request, tokenizerPath);
    const { decoder } = first.parts;
    assert.ok(decoder !== undefined);
    assert.equal((await continueText(opened, request, hooks)).text, end.text);
    assert.equal((await keeper.of(opened, request, tokenizerPath)).parts.decoder, decoder);
    const other = await keeper.of(opened, requestOf({ threadCount: 1 }), tokenizerPath);
    assert.equal(other.parts.decoder, undefined);
    assert.notEqual(await keeper.of({ ...opened }, request, tokenizerPath), first);
    await continueText(opened, request, hooks);
    const { parts } = await keeper.of(opened, request, tokenizerPath);
    keeper.rest();
    await wait(60);
    assert.notEqual((await keeper.of(opened, request, tokenizerPath)).parts, parts);
    // What was closed runs no more.
    await assert.rejects(parts.decoder!.scoresAfter([1, 2]));
    await keeper.release();
  });

  it('draws the tokens of the analysis with the same seed, and others with another one', async () => {
    const drawn = { temperature: 1, topK: 40, topP: 0.9, tokenCount: 16 };
    const seven = await told({ ...drawn, seed: 7 });
    const settings = { prompt, tokens: 16, temperature: 1, topK: 40, topP: 0.9 };
    assert.deepEqual(ids(seven.written), idsOf(await reportOf({ settings, seed: 7 })));
    assert.notDeepEqual(ids((await told({ ...drawn, seed: 8 })).written), ids(seven.written));
  });

  it('can be asked why a token follows: the score that is explained is that of its place', async () => {
    const { prompt: read, written } = await told({ tokenCount: 4 });
    const before = ids([...read, ...written.slice(0, 3)]);
    const token = written[3]!;
    const model = await readModel(modelPath);
    const { dataPath } = await writeTokens(model, {
      kind: 'write-tokens',
      modelPath,
      ids: before,
      folder: folder(),
    });
    const { carriers, contextLength } = await describeLanguageModel(model, { modelPath });
    assert.equal(contextLength, 64);
    const settings = { rows: '0', target: String(token.id), position: String(before.length - 1), steps: 4 };
    const why = await reportOf({ analysis: 'attribution', dataPath, settings });
    const tokens = why.blocks.find(({ type }) => type === 'tokens') as unknown as { tokens: ReadToken[] };
    const texts = [...read, ...written.slice(0, 3)].map(({ text }) => text);
    assert.deepEqual(
      tokens.tokens.map(({ text }) => text),
      texts,
    );
    const layer = carriers.at(-1)!;
    const who = await reportOf({ analysis: 'attribution', dataPath, settings: { ...settings, layer } });
    assert.ok(
      who.blocks.some(({ title }) => title === `Neurons of ${layer} by their share`),
      layer,
    );
  });

  it('has neurons whose tokens are told by name, and by id without a tokenizer', async () => {
    const tokensOf = async (address: string, path = modelPath): Promise<UnitTokens | null> => {
      const request = { kind: 'unit-tokens', modelPath: path, address, tokenCount: 4 } as const;
      return unitTokens(openedModel(await readModel(path)), request, silentLogger);
    };
    const named = await tokensOf('L3N5');
    assert.deepEqual([named?.address, named?.layer], ['blocks.3.mlp.hidden[5]', 'blocks.3.mlp.fc2']);
    assert.deepEqual([named?.raised.length, named?.lowered.length], [4, 4]);
    const tokenizer = await readTokenizer(join(samplesDir, 'story-lm', 'tokenizer.json'));
    for (const { id, text } of named!.raised) assert.equal(text, tokenizer.textOf(id));
    const alone = join(folder(), 'alone.onnx');
    copyFileSync(modelPath, alone);
    const bare = await tokensOf('L3N5', alone);
    assert.deepEqual(
      bare?.lowered.map(({ text, effect }) => [text, effect]),
      named!.lowered.map(({ id, effect }) => [`#${id}`, effect]),
    );
    assert.equal(await tokensOf('blocks.1.attention.query[0]'), null);
  });

  it('is refused in words where the model has no tokenizer or gives no scores', async () => {
    const alone = join(folder(), 'alone.onnx');
    copyFileSync(modelPath, alone);
    const bare = await readModel(alone);
    await assert.rejects(describeLanguageModel(bare, { modelPath: alone }), isCode('tokenizer-missing'));
    const dataPath = join(folder(), 'alone.inspect.json');
    writeFileSync(dataPath, JSON.stringify({ version: 1, model: 'alone.onnx', tokenizer: 'other.json' }));
    const { tokenizerPath } = await describeLanguageModel(bare, { modelPath: alone, dataPath });
    assert.equal(tokenizerPath, join(folder(), 'other.json'));
    const digits = join(samplesDir, 'digits-cnn', 'digits-cnn.onnx');
    const pictures = await readModel(digits);
    await assert.rejects(describeLanguageModel(pictures, { modelPath: digits }), isCode('no-language-model'));
  });
});
