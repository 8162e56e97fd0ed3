import { panelTypes } from '../../src/extension/manifest/panels.js';
import { stepByStep } from '../support/stepByStep.js';
import { type StoryWindow, useEditor } from '../support/storyEditor.js';

describe('two windows on the same folder', function () {
  this.timeout(300_000);
  stepByStep();
  const editor = useEditor();
  let first: StoryWindow;
  let second: StoryWindow;

  before(async () => {
    first = await editor().openWindow();
    second = await editor().openWindow();
  });

  it('each run their own question', async () => {
    for (const window of [first, second]) {
      await window.showSideBar('Neuron Inspector');
      await window.treeItem(/^dying-relu\.onnx, 4 layers · 243 k/).waitFor();
    }
    // One after the other: a list that asks closes when its window loses the focus.
    for (const [window, model] of [
      [first, 'dying-relu'],
      [second, 'digits-cnn'],
    ] as const) {
      await window.page.bringToFront();
      await window.chooseInMenu(window.treeItem(new RegExp(`^${model}\\.onnx`)), 'Run Analysis…');
      await window.pick('Dead neurons');
      await window.pick(/^Run now/);
    }
    const ofFirst = await first.view('report');
    const ofSecond = await second.view('report');
    await ofFirst
      .getByText(/^138 of 448 neurons/)
      .first()
      .waitFor();
    // 16 + 32 + 64 units in three layers with a ReLU.
    await ofSecond
      .getByText(/^\d+ of 112 neurons/)
      .first()
      .waitFor();
  });

  it('share one history, also over a reload, report included', async () => {
    await first.page.bringToFront();
    await first.treeItem(/^Dead neurons · digits-cnn/).waitFor();
    await first.tabsAreSaved(panelTypes.report, 'dying-relu', 'origin');
    await first.page.reload();
    await first.sideBarTab().waitFor();
    await first.showSideBar('Neuron Inspector');
    await first.treeItem(/^Dead neurons · dying-relu/).waitFor();
    await first.treeItem(/^Dead neurons · digits-cnn/).waitFor();
    const report = await first.view('report');
    await report
      .getByText(/^138 of 448 neurons/)
      .first()
      .waitFor();
  });
});
