import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readModel } from '../../src/onnx/readModel.js';
import type { ModelFacts, ModelProtocol } from '../../src/protocol/views/modelMessages.js';
import { noFacts, openModelPage } from '../support/modelPage.js';
import { samplesDir } from '../support/paths.js';
import { openView, type WebviewPage } from '../support/webviewPage.js';

type ModelView = WebviewPage<ModelProtocol>;

type Setup = Parameters<typeof openModelPage>[1];

async function openDigits(setup: Setup = {}): Promise<ModelView> {
  return openModelPage(await readModel(join(samplesDir, 'digits-cnn', 'digits-cnn.onnx')), setup);
}

async function openTab(view: ModelView, name: string): Promise<void> {
  await view.page.getByRole('tab', { name: new RegExp(name) }).click();
}

/** Waits until what hears of the new size has drawn anew. */
async function resize(view: ModelView, width: number): Promise<void> {
  await view.page.setViewportSize({ width, height: 1000 });
  await view.page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
}

/** Where the drawing is on the page, how far beside the middle of its screen, and how large. */
async function graphPlace(view: ModelView): Promise<{ middle: number; offset: number; zoom: number }> {
  const drawing = view.page.locator('svg.view > g');
  const [screen, drawn] = [await view.page.locator('svg.view').boundingBox(), await drawing.boundingBox()];
  assert.ok(screen !== null && drawn !== null);
  const middle = drawn.x + drawn.width / 2;
  const transform = (await drawing.getAttribute('transform')) ?? '';
  const zoom = Number(/scale\(([\d.]+)\)/.exec(transform)?.[1]);
  return { middle, offset: middle - (screen.x + screen.width / 2), zoom };
}

const facts: ModelFacts = {
  ...noFacts,
  badges: {
    fc1: { text: '38 % dead', level: 'warning', detail: 'Measured today on 100 samples', resultId: 'r1' },
  },
  metrics: [
    { id: 'm', label: 'Dead · Dead neurons', format: 'percent', unit: '', values: { conv1: 0.1, fc1: 0.38 } },
  ],
};

describe('the page of a model', () => {
  it('says in a few lines what the model is', async () => {
    const view = await openDigits();
    await view.page.getByText('4 layers · 105,866 parameters · opset 17 · 11 nodes').waitFor();
    await view.page.getByText('float32 [N, 1, 28, 28]').waitFor();
    await view.page.getByText('logits').waitFor();
  });

  it('asks for runs, of any question or of the one about dead neurons', async () => {
    const view = await openDigits();
    await view.page.getByRole('button', { name: 'Run…' }).click();
    assert.deepEqual(await view.waitForTell('run'), { kind: 'run' });
    await view.page.getByRole('button', { name: 'Find dead neurons…' }).click();
    assert.deepEqual(view.tells().at(-1), { kind: 'run', analysis: 'dead-neurons' });
  });

  it('offers trust and no runs in Restricted Mode', async () => {
    const view = await openDigits({ facts: { ...noFacts, canRun: false } });
    await view.page.getByRole('button', { name: 'Manage workspace trust' }).click();
    await view.waitForTell('manage-trust');
    assert.equal(await view.page.getByRole('button', { name: 'Run…' }).count(), 0);
  });

  it('says why a file cannot be shown and what to do', async () => {
    const message = '/x/broken.onnx is no ONNX model: it is empty. The export failed; do it again.';
    const view = await openView<ModelProtocol>('model', {
      shows: [{ kind: 'problem', name: 'broken.onnx', message, canRetry: true }],
    });
    await view.page.getByText(message).waitFor();
    await view.page.getByRole('button', { name: 'Try again' }).click();
    await view.waitForTell('reload');
    await view.page.getByRole('button', { name: 'Open with…' }).click();
    await view.waitForTell('open-otherwise');
    await view.expectNoAxeViolations();
  });

  it('offers to reload when the file changed', async () => {
    const view = await openDigits();
    await view.show({ kind: 'stale', isGone: false });
    await view.page.getByText('digits-cnn.onnx changed on disk').waitFor();
    await view.page.getByRole('button', { name: 'Reload' }).click();
    await view.waitForTell('reload');
  });
});

describe('the list of layers', () => {
  it('shows kind, units, parameters, shape and share of each layer', async () => {
    const view = await openDigits();
    const row = view.page.getByRole('row', { name: /fc1/ });
    assert.match((await row.textContent()) ?? '', /fc1\s*dense · Gemm\s*64\s*100,416\s*N × 64\s*94.9 %/);
  });

  it('finds by name, kind, shape and state', async () => {
    const view = await openDigits({ facts });
    const search = view.page.getByRole('searchbox', { name: 'Search layers' });
    for (const [text, names] of [
      ['conv', ['conv1', 'conv2']],
      ['relu 14', ['relu2']],
      ['dead', ['fc1']],
    ] as const) {
      await search.fill(text);
      await view.page.getByText(`${names.length} of 7`).waitFor();
      for (const name of names) await view.page.getByRole('row', { name: new RegExp(name) }).waitFor();
    }
    await search.fill('nothing like it');
    await view.page.getByRole('button', { name: 'Show all layers' }).click();
    await view.page.getByText('7 lines').waitFor();
  });

  it('leads from a layer to a neuron, the graph, its weights and its result', async () => {
    const view = await openDigits({ facts });
    await view.page.getByRole('row', { name: /fc1/ }).click();
    await view.page.getByRole('spinbutton', { name: /Unit/ }).fill('42');
    await view.page.getByRole('button', { name: 'Open neuron' }).click();
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: 'fc1[42]' });
    await view.page.getByRole('button', { name: '38 % dead' }).click();
    assert.deepEqual(await view.waitForTell('open-result'), { kind: 'open-result', resultId: 'r1' });
    await view.page.getByRole('button', { name: 'Show in graph' }).click();
    await view.page.getByRole('treeitem', { name: /^Gemm, node, fc1/, selected: true }).waitFor();
  });

  it('brings a layer into view when the host asks', async () => {
    const view = await openDigits();
    await view.show({ kind: 'reveal', layer: 'relu3' });
    await view.page.getByRole('row', { name: /relu3/, selected: true }).waitFor();
  });
});

describe('the graph of a model', () => {
  it('draws every node and follows the edges by keyboard', async () => {
    const view = await openDigits();
    await openTab(view, 'Graph');
    const tree = view.page.getByRole('tree', { name: 'Graph of digits-cnn.onnx' });
    await tree.waitFor();
    assert.equal(await view.page.getByRole('treeitem').count(), 13);
    await tree.focus();
    for (let i = 0; i < 3; i++) await view.page.keyboard.press('ArrowDown');
    await view.page.getByRole('treeitem', { name: /^Relu, node, relu1/, selected: true }).waitFor();
    await view.page.keyboard.press('ArrowUp');
    await view.page.getByRole('treeitem', { name: /^Conv, node, conv1/, selected: true }).waitFor();
    await view.page.getByText('kernel_shape').waitFor();
  });

  it('stays in the middle when the page gets narrower, and as large as a person made it', async () => {
    const view = await openDigits({ width: 1600, height: 1000 });
    await openTab(view, 'Graph');
    await view.page.getByRole('treeitem').first().waitFor();
    const wide = await graphPlace(view);
    await resize(view, 800);
    const narrow = await graphPlace(view);
    assert.ok(wide.middle - narrow.middle > 200, 'the drawing went with the page');
    assert.ok(Math.abs(narrow.offset) < 2, `${narrow.offset} px beside the middle`);
    await view.page.getByRole('tree').focus();
    for (let i = 0; i < 3; i++) await view.page.keyboard.press('+');
    const larger = await graphPlace(view);
    assert.ok(larger.zoom > narrow.zoom * 1.9, `${narrow.zoom} → ${larger.zoom}`);
    await resize(view, 1600);
    const wideAgain = await graphPlace(view);
    assert.ok(Math.abs(wideAgain.offset) < 2, `${wideAgain.offset} px beside the middle`);
    assert.equal(wideAgain.zoom, larger.zoom);
  });
});

describe('the weights of a model', () => {
  it('have whole names on a narrow page', async () => {
    const view = await openDigits({ width: 330 });
    await openTab(view, 'Weights');
    const name = view.page.getByText('conv1.weight', { exact: true });
    await name.waitFor();
    const isCut = await name.evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
    assert.equal(isCut, false);
  });
});
