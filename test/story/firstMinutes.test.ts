import type { Frame } from 'playwright-core';
import { stepByStep } from '../support/stepByStep.js';
import { type StoryWindow, useEditor } from '../support/storyEditor.js';

// The story of a person's first minutes, in one window; each step stands on the one before. Every step leaves a picture,
// and every view pictures in the four themes at two widths, under `.cache/screenshots/story`.
describe('the first minutes with a model', function () {
  this.timeout(400_000);
  stepByStep();
  const editor = useEditor();
  let window: StoryWindow;
  let report: Frame;

  before(async () => {
    window = await editor().openWindow();
  });

  it('a right-click on a model leads to its page', async () => {
    await window.showSideBar('Explorer');
    await window.treeItem('digits-cnn').click();
    await window.chooseInMenu(window.treeItem('digits-cnn.onnx'), 'Inspect Model');
    const model = await window.view('model');
    await model.getByText('4 layers · 105,866 parameters · opset 17').waitFor();
    await model.getByRole('row', { name: /conv1/ }).waitFor();
    await window.screenshot('01-inspect-model');
    await window.screenshotsInThemes('views/model-layers');
  });

  it('the graph, the operators, the weights and the metadata are a tab away', async () => {
    const model = await window.view('model');
    const signs = {
      Graph: /^Conv$/,
      Operators: 'MaxPool',
      Weights: 'conv1.weight',
      Metadata: /opset/i,
    };
    for (const [tab, sign] of Object.entries(signs)) {
      await model.getByRole('tab', { name: new RegExp(`^${tab}`) }).click();
      await model
        .locator(`#panel-${tab.toLowerCase()}`)
        .getByText(sign)
        .locator('visible=true')
        .first()
        .waitFor();
      await window.screenshotsInThemes(`views/model-${tab.toLowerCase()}`);
    }
    await model.getByRole('tab', { name: /^Layers/ }).click();
  });

  it('the side bar lists the models, the questions that can be asked, and results to come', async () => {
    await window.showSideBar('Neuron Inspector');
    await window.treeItem(/^dying-relu\.onnx, 4 layers · 243 k/).waitFor();
    await window.treeItem(/^Dead neurons/).waitFor();
    await window.page.locator('.sidebar').getByText('No analysis has run yet.').waitFor();
    await window.screenshot('02-side-bar');
  });

  it('a question leads to a form that knows the data and says how long it takes', async () => {
    await window.chooseInMenu(window.treeItem(/^dying-relu\.onnx/), 'Run Analysis…');
    await window.pick('Dead neurons');
    await window.pick('Change settings…');
    const form = await window.view('run');
    await form.getByRole('heading', { name: /Dead neurons/ }).waitFor();
    await form
      .getByText(/4,000 samples/)
      .first()
      .waitFor();
    await form.getByText(/from one batch/).waitFor();
    await window.screenshot('03-run-form');
    await window.screenshotsInThemes('views/run-form');
  });

  it('the run becomes a report that says which neurons are dead', async () => {
    const form = await window.view('run');
    await form.getByRole('button', { name: 'Run', exact: true }).click();
    report = await window.view('report');
    await report
      .getByText(/^138 of 448 neurons \(30\.8 %\) are dead on 4,000 images/)
      .first()
      .waitFor();
    // While it runs, progress is in its place.
    await report.getByRole('button', { name: 'Run again' }).waitFor();
    await window.screenshot('04-report');
    await window.screenshotsInThemes('views/report');
    await window.treeItem(/^Dead neurons · dying-relu/).waitFor();
  });

  it('a neuron in the report is a link to its page, which says why it is dead', async () => {
    await report
      .getByRole('link', { name: /^fc1\[\d+\]$/ })
      .first()
      .click();
    const neuron = await window.view('neuron');
    await neuron.getByRole('heading', { name: /^fc1\[\d+\]/ }).waitFor();
    await neuron.getByText(/^active on 0 of 4,000 images/).waitFor();
    await neuron
      .getByRole('button', { name: /^Compute/ })
      .first()
      .click();
    await neuron
      .getByText(/What enters its activation never exceeds −/)
      .first()
      .waitFor();
    await neuron.getByRole('button', { name: /^Compute (again|on all)/ }).waitFor();
    // Off the chart that came where the button was.
    await window.page.mouse.move(0, 0);
    await window.screenshot('05-dead-neuron');
  });

  it('the keyboard leads to a neuron that lives, and a click to what excites it', async () => {
    const neuron = await window.view('neuron');
    const heading = neuron.getByRole('heading', { level: 1 });
    await heading.click();
    for (let step = 0; step < 50; step++) {
      const address = await heading.textContent();
      if (await neuron.getByText(/^active on [\d.]+ %/).isVisible()) break;
      await window.page.keyboard.press('k');
      await neuron
        .getByRole('heading', { level: 1 })
        .filter({ hasNotText: address ?? '' })
        .waitFor();
      await neuron.getByText(/^active on/).waitFor();
    }
    await neuron
      .getByRole('button', { name: /^Compute/ })
      .first()
      .click();
    await neuron
      .getByText(/^Top \d+ examples/)
      .first()
      .waitFor();
    await neuron.getByRole('button', { name: /^Compute (again|on all)/ }).waitFor();
    // Off the chart that came where the button was.
    await window.page.mouse.move(0, 0);
    await window.screenshot('06-neuron');
    await window.screenshotsInThemes('views/neuron');
  });

  it('the training code says the same in a hover', async () => {
    await window.openFile('dying-relu/training.py');
    const hover = await window.hoverOver('fc1');
    await hover.getByText(/Dense/).first().waitFor();
    await hover
      .getByText(/104 of 256 dead/)
      .first()
      .waitFor();
    await window.screenshot('07-hover');
    await window.screenshotsInThemes('views/hover', {
      prepare: async () => {
        await window.hoverOver('fc1');
      },
    });
  });

  it('the tree says it too, layer by layer, neuron by neuron', async () => {
    await window.showSideBar('Neuron Inspector');
    await window.treeItem(/^dying-relu\.onnx/).click();
    await window.page.keyboard.press('ArrowRight');
    await window.treeItem(/^fc1, .*41 % dead/).click();
    await window.page.keyboard.press('ArrowRight');
    await window.treeItem(/^fc1\[0\]/).waitFor();
    await window.screenshot('08-tree');
    await window.screenshotsInThemes('views/side-bar');
  });
});
