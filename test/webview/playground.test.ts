import assert from 'node:assert/strict';
import type { ReadToken } from '../../src/protocol/generatedText.js';
import {
  type ContinuationRequest,
  type PlaygroundPageState,
  type PlaygroundProtocol,
  type PlaygroundShow,
  readPlaygroundPlace,
} from '../../src/protocol/views/playgroundMessages.js';
import { openView, type ViewSetup, type WebviewPage } from '../support/webviewPage.js';

const place: PlaygroundShow = {
  kind: 'place',
  model: 'file:///models/story-lm.onnx',
  modelName: 'story-lm.onnx',
  tokenizerPath: null,
};
const ready: PlaygroundShow = {
  kind: 'model',
  model: {
    kind: 'ready',
    tokenizerName: 'tokenizer.json',
    facts: {
      tokenizerPath: '/models/tokenizer.json',
      contextLength: 64,
      vocabularySize: 512,
      carriers: ['blocks.0.mlp.act', 'blocks.1.mlp.act'],
    },
  },
};

function token(id: number, text: string, probability = 0.5): ReadToken {
  const others = [
    { id, text, probability },
    { id: 99, text: ' instead', probability: (1 - probability) / 2 },
  ];
  const judged = { surprise: -Math.log(probability), likelierCount: 0, entropy: 1.2, alternatives: others };
  return { id, text, judged };
}

const promptTokens: readonly ReadToken[] = [{ id: 1, text: '<s>', judged: null }, token(2, ' Once', 0.25)];

function open(setup: ViewSetup<PlaygroundProtocol> = {}): Promise<WebviewPage<PlaygroundProtocol>> {
  return openView<PlaygroundProtocol>('playground', { shows: [place, ready, { kind: 'idle' }], ...setup });
}

/** Types a prompt, continues, and plays the host that writes. */
async function write(
  view: WebviewPage<PlaygroundProtocol>,
  tokens: readonly ReadToken[],
): Promise<ContinuationRequest> {
  await view.page.keyboard.press('Control+Enter');
  const { request } = await view.waitForTell('continue');
  const prompt = request.ids === null ? { prompt: promptTokens } : {};
  await view.show({ kind: 'tokens', id: request.id, firstIndex: 0, piece: { ...prompt, written: tokens } });
  return request;
}

async function done(view: WebviewPage<PlaygroundProtocol>, id: number, writtenCount: number): Promise<void> {
  const end = { writtenCount, text: '', isEnded: false, seenAtMost: null, provider: 'cpu' };
  await view.show({ kind: 'state', id, state: { kind: 'done', end } });
}

function textOf({ page }: WebviewPage<PlaygroundProtocol>): Promise<string> {
  return page.locator('ni-token-text .text').evaluate((text) => text.textContent.trim());
}

describe('the playground', () => {
  it('continues with the keyboard what is typed, from where the text stands, and takes the last continuation back', async () => {
    const view = await open();
    await view.page.getByText('Nothing is written yet').waitFor();
    await view.page.getByLabel('Prompt').fill('Once');
    const first = await write(view, [token(3, ' upon'), token(4, ' a')]);
    assert.deepEqual(first, {
      ...{ id: 1, prompt: 'Once', ids: null },
      ...{ tokenCount: 40, temperature: 0, topK: null, topP: 1, seed: 0 },
    });
    await view.page.getByRole('button', { name: 'Stop' }).waitFor();
    await done(view, 1, 2);
    await view.page.getByText('2 tokens · cpu').waitFor();
    await view.page.getByLabel('Sampled').check();
    await view.page.getByLabel('Temperature').fill('0.8');
    await view.page.getByLabel('Top k').fill('20');
    await view.page.getByLabel('Seed').fill('7');
    const second = await write(view, [token(5, ' time')]);
    assert.deepEqual(second, {
      ...{ id: 2, prompt: 'Once', ids: [1, 2, 3, 4] },
      ...{ tokenCount: 40, temperature: 0.8, topK: 20, topP: 1, seed: 7 },
    });
    await done(view, 2, 1);
    assert.equal(await textOf(view), '<s> Once upon a time');
    await view.page.getByRole('button', { name: 'Undo last continuation' }).click();
    assert.equal(await textOf(view), '<s> Once upon a');
    await view.expectNoAxeViolations();
  });

  it('begins a new text where the prompt was changed; undo brings the old one back', async () => {
    const view = await open();
    await view.page.getByLabel('Prompt').fill('Once');
    await write(view, [token(3, ' upon')]);
    await done(view, 1, 1);
    await view.page.getByLabel('Prompt').fill('Twice');
    await view.page.getByText('it begins a new text').waitFor();
    const { ids } = await write(view, [token(9, ' told')]);
    assert.equal(ids, null);
    await done(view, 2, 1);
    assert.equal(await textOf(view), '<s> Once told');
    await view.page.getByRole('button', { name: 'Undo last continuation' }).click();
    assert.equal(await textOf(view), '<s> Once upon');
  });

  it('names what might have stood in a token’s place, and leads to why it stands there and which neurons carry it', async () => {
    const view = await open();
    await view.page.getByLabel('Prompt').fill('Once');
    await write(view, [token(3, ' upon', 0.9), token(4, ' a', 0.125)]);
    await done(view, 1, 2);
    const last = view.page.locator('[data-index="3"]');
    await last.hover();
    const card = view.page.locator('ni-token-card');
    await card.getByText('12.5 % · the likeliest · surprise 2.08 of 1.2 nats').waitFor();
    await card.getByText('instead').waitFor();
    const colors = await view.page
      .locator('ni-token-text [data-index]')
      .evaluateAll((tokens) => tokens.map(({ style }) => Number(/(\d+)%/.exec(style.background)?.[1])));
    // 55 % of the way to ln 512 = 6.24 nats.
    assert.deepEqual(colors, [0, 12, 1, 18]);
    await last.click();
    await view.page.getByRole('button', { name: 'Why this token?' }).click();
    const why = await view.waitForTell('why');
    assert.deepEqual(why, { kind: 'why', before: [1, 2, 3], token: 4, layer: null });
    await view.expectNoAxeViolations();
    await view.resize(420);
    const box = await card.boundingBox();
    assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 420, JSON.stringify(box));
    await view.page.getByLabel('In layer').selectOption('blocks.0.mlp.act');
    await view.page.getByRole('button', { name: 'Which neurons carry it?' }).click();
    assert.equal((await view.waitForTell('why')).layer, 'blocks.0.mlp.act');
    await view.page.keyboard.press('Escape');
    assert.equal(await card.count(), 0);
    // The keyboard walks over tokens, each with what was known of it.
    await view.page.keyboard.press('ArrowLeft');
    await card.getByText('90.0 % · the likeliest').waitFor();
  });

  it('stops on Esc and keeps what was written, over a reload too; what had no token leaves no trace', async () => {
    const view = await open();
    await view.page.getByLabel('Prompt').fill('Once');
    await write(view, [token(3, ' upon')]);
    await view.page.keyboard.press('Escape');
    await view.waitForTell('cancel');
    await view.show({ kind: 'state', id: 1, state: { kind: 'cancelled' } });
    await view.page.getByText('Stopped').waitFor();
    await view.page.waitForTimeout(200);
    await view.reload();
    assert.equal(await textOf(view), '<s> Once upon');
    assert.equal(await view.page.getByLabel('Prompt').inputValue(), 'Once');
    const { model } = view.writtenState() as PlaygroundPageState;
    assert.deepEqual(readPlaygroundPlace(view.writtenState()), { model, tokenizerPath: null });
    await write(view, []);
    await view.show({ kind: 'state', id: 2, state: { kind: 'failed', message: 'Not enough memory.' } });
    await view.page.getByText('Not enough memory.').waitFor();
    assert.equal(await textOf(view), '<s> Once upon');
    await view.page.getByRole('button', { name: 'Undo last continuation' }).click();
    await view.page.getByText('Nothing is written yet').waitFor();
  });

  it('shows every token of a continuation that went on while it was hidden', async () => {
    const view = await open();
    await view.page.getByLabel('Prompt').fill('Once');
    await write(view, [token(3, ' upon')]);
    const piece = { prompt: promptTokens, written: [token(3, ' upon'), token(4, ' a')] };
    await view.show({ kind: 'tokens', id: 1, firstIndex: 0, piece });
    assert.equal(await textOf(view), '<s> Once upon a');
  });

  it('says what is wrong with a number, and with a model that cannot write', async () => {
    const view = await open();
    await view.page.getByLabel('Tokens', { exact: true }).fill('0');
    await view.page.getByText('Tokens: a whole number from 1 to 10000').waitFor();
    await view.page.keyboard.press('Control+Enter');
    assert.deepEqual(view.tells(), []);
    const message = 'bare.onnx takes token ids, and there is no tokenizer.json beside it.';
    await view.show({ kind: 'model', model: { kind: 'problem', message, remedy: 'choose-tokenizer' } });
    await view.page.getByText(message).waitFor();
    await view.page.getByRole('button', { name: 'Choose tokenizer…' }).click();
    assert.deepEqual(await view.waitForTell('remedy'), { kind: 'remedy', remedy: 'choose-tokenizer' });
    await view.expectNoAxeViolations();
  });
});
