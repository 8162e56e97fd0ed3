import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samplesDir } from '../support/paths.js';
import { stepByStep } from '../support/stepByStep.js';
import { pictureView, type StoryWindow, useEditor } from '../support/storyEditor.js';

// The views that the first minutes do not lead through; each leaves a picture.
describe('the views beside the first minutes', function () {
  this.timeout(600_000);
  stepByStep();
  const editor = useEditor();
  let window: StoryWindow;

  before(async () => {
    writeFileSync(join(editor().samples, 'broken.onnx'), 'not a model');
    window = await editor().openWindow();
  });

  /** Asks a question of a model in the side bar and runs it as it is proposed. */
  async function runNow(model: RegExp, analysis: string): Promise<void> {
    await window.chooseInMenu(window.treeItem(model), 'Run Analysis…');
    await window.pick(analysis);
    await window.pick(/^Run now/);
  }

  it('the menu of a model in the Explorer asks and inspects', async () => {
    await window.showSideBar('Explorer');
    await window.treeItem('dying-relu').click();
    const item = window.treeItem('dying-relu.onnx');
    await pictureView(window, 'explorer-menu', async () => {
      await item.click({ button: 'right' });
      await window.page.getByRole('menuitem', { name: 'Run Analysis…' }).waitFor();
    });
    await window.page.keyboard.press('Escape');
  });

  it('a file that is no model says why, and what helps', async () => {
    await window.chooseInMenu(window.treeItem('broken.onnx'), 'Inspect Model');
    const model = await window.view('model');
    await model.getByText(/is no ONNX model/).waitFor();
    await pictureView(window, 'model-broken');
  });

  it('a layer, a node and a constant open beside their list', async () => {
    await window.page.keyboard.press('Control+w');
    await window.chooseInMenu(window.treeItem('dying-relu.onnx'), 'Inspect Model');
    const model = await window.view('model');
    await model.getByRole('row', { name: /^fc1/ }).click();
    await model.getByRole('button', { name: 'Show in graph' }).waitFor();
    await pictureView(window, 'model-layer-chosen');
    await model.getByRole('button', { name: 'Show in graph' }).click();
    await model.getByRole('treeitem', { name: /fc1/, selected: true }).waitFor();
    await pictureView(window, 'model-graph-chosen');
    await model.getByRole('tab', { name: /^Weights/ }).click();
    await model.locator('#panel-weights').getByText('fc1.weight', { exact: true }).click();
    await model
      .locator('#panel-weights')
      .getByText(/deviation/i)
      .first()
      .waitFor();
    await pictureView(window, 'model-weight-chosen');
  });

  it('the lists that ask propose data and say how long it takes', async () => {
    await window.chooseInMenu(window.treeItem('dying-relu.onnx'), 'Run Analysis…');
    const list = window.page.locator('.quick-input-list');
    await list.getByText('Dead neurons').first().waitFor();
    await pictureView(window, 'ask-analysis');
    await window.pick('Dead neurons');
    await list
      .getByText(/Run now \(/)
      .first()
      .waitFor();
    await pictureView(window, 'ask-way');
    await window.pick('Use other data…');
    await list
      .getByText(/dying-relu\.inspect/)
      .first()
      .waitFor();
    await pictureView(window, 'ask-data');
    await window.page.keyboard.press('Escape');
  });

  it('a run shows its progress, and what is known when it is cancelled', async () => {
    await window.showSideBar('Neuron Inspector');
    await window.chooseInMenu(window.treeItem(/^digits-cnn\.onnx/), 'Run Analysis…');
    await window.pick('Attribution');
    await window.pick('Change settings…');
    const form = await window.view('run');
    await form.getByText('Advanced').click();
    await form.getByLabel('Samples at most').fill('4000');
    await pictureView(window, 'run-form-attribution');
    await form.getByRole('button', { name: 'Run', exact: true }).click();
    const report = await window.view('report');
    await report.getByRole('progressbar').waitFor();
    await pictureView(window, 'report-progress');
    await report.getByRole('button', { name: 'Cancel' }).click();
    await report.getByText('cancelled').first().waitFor();
    await pictureView(window, 'report-cancelled');
  });

  it('an attribution shows where on the image', async () => {
    await window.page.keyboard.press('Control+w');
    await runNow(/^digits-cnn\.onnx/, 'Attribution');
    const report = await window.view('report');
    await report.getByText('Scores of image').first().waitFor();
    await pictureView(window, 'report-attribution');
    await window.page.keyboard.press('Control+w');
  });

  it('two results are compared', async () => {
    for (const isLast of [false, true]) {
      await runNow(/^dying-relu\.onnx/, 'Dead neurons');
      const report = await window.view('report');
      await report.getByRole('button', { name: 'Compare with…' }).waitFor();
      if (!isLast) await window.page.keyboard.press('Control+w');
    }
    await (await window.view('report')).getByRole('button', { name: 'Compare with…' }).click();
    await window.pick(/Dead neurons/);
    const compared = window.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
    await compared
      .getByText(/^What changed\?/)
      .first()
      .waitFor();
    await pictureView(window, 'report-compared');
  });

  it('the page of a model shows what results say of its layers, in the list and in the graph', async () => {
    await window.showSideBar('Explorer');
    await window.chooseInMenu(window.treeItem('dying-relu.onnx'), 'Inspect Model');
    const model = await window.view('model');
    await model.getByRole('tab', { name: /^Layers/ }).click();
    await model.getByText('41 % dead').first().waitFor();
    await pictureView(window, 'model-results');
    await model.getByRole('tab', { name: /^Graph/ }).click();
    await pictureView(window, 'model-graph-results');
  });

  it('the playground writes, and names what else might have come', async () => {
    cpSync(join(samplesDir, 'story-lm'), join(editor().samples, 'story-lm'), { recursive: true });
    await window.showSideBar('Neuron Inspector');
    await window.treeItem(/^story-lm\.onnx/).waitFor();
    await window.chooseInMenu(window.treeItem(/^story-lm\.onnx/), 'Open Playground');
    const playground = await window.view('playground');
    await playground.getByLabel('Prompt').fill('Once upon a time');
    await playground.getByRole('button', { name: 'Write' }).click();
    await playground.getByText('40 tokens').waitFor();
    await pictureView(window, 'playground', async () => {
      await playground.locator('[data-index="24"]').hover();
    });
    await playground.locator('[data-index="24"]').click();
    await playground.getByRole('button', { name: 'Which neurons carry it?' }).waitFor();
    await pictureView(window, 'playground-token');
    await window.page.keyboard.press('Control+w');
  });

  it('the page of a neuron says where it leads and what the model loses without it', async () => {
    await window.runCommand('Neuron Inspector: Open Neuron…');
    await window.pick(/^digits-cnn\.onnx/);
    await window.answer('conv2[3]');
    const neuron = await window.view('neuron');
    await neuron.locator('[data-action="measure-role"]').click();
    await neuron.getByText(/the accuracy (goes from|stays at)/).waitFor();
    await pictureView(window, 'neuron-role', async () => {
      await neuron.locator('.role').scrollIntoViewIfNeeded();
    });
    await neuron.locator('.links').scrollIntoViewIfNeeded();
    await pictureView(window, 'neuron-links');
    await window.page.keyboard.press('Control+w');
  });

  it('the walkthrough is a command away', async () => {
    await window.runCommand('Neuron Inspector: Get Started');
    await window.page.getByText('Find its dead neurons').first().waitFor();
    await pictureView(window, 'walkthrough');
  });

  it('an empty folder and no folder say what to do', async () => {
    const empty = join(editor().samples, '..', 'empty');
    mkdirSync(empty);
    for (const [name, folder] of [
      ['welcome-empty-folder', empty],
      ['welcome-no-folder', null],
    ] as const) {
      const other = await editor().openWindow(folder);
      await other.showSideBar('Neuron Inspector');
      await other.page.locator('.sidebar').getByText('Questions to a model appear here').waitFor();
      await pictureView(other, name);
    }
  });
});
