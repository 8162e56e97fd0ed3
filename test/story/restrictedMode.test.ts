import { stepByStep } from '../support/stepByStep.js';
import { pictureView, type StoryWindow, useEditor } from '../support/storyEditor.js';

describe('a folder that is not trusted yet', function () {
  this.timeout(180_000);
  stepByStep();
  const editor = useEditor({ hasTrust: false });
  let window: StoryWindow;

  before(async () => {
    window = await editor().openWindow();
  });

  it('shows the structure of its models', async () => {
    await window.page
      .getByRole('button', { name: /Restricted Mode/ })
      .first()
      .waitFor();
    await window.showSideBar('Neuron Inspector');
    const model = window.treeItem(/^dying-relu\.onnx, 4 layers · 243 k/);
    await model.click();
    await window.page.keyboard.press('ArrowRight');
    await window.treeItem(/^fc1, /).waitFor();
  });

  it('runs nothing, and says where trust is given', async () => {
    await window.page
      .locator('.sidebar')
      .getByText(/Restricted Mode: the structure of models can be read/)
      .waitFor();
    await window.page.locator('.sidebar').getByRole('button', { name: 'Manage Workspace Trust' }).waitFor();
    await pictureView(window, 'restricted-mode');
  });

  it('runs once trust is given, without a reload', async () => {
    await window.page.locator('.sidebar').getByRole('button', { name: 'Manage Workspace Trust' }).click();
    await window.page
      .getByRole('button', { name: /^Trust$/ })
      .first()
      .click();
    await window.page
      .getByRole('region', { name: 'Welcome' })
      .getByRole('button', { name: 'Run Analysis…' })
      .waitFor();
    await window.treeItem(/^Dead neurons/).click();
    await window.pick(/^Change settings/);
    await window.view('run');
  });
});
