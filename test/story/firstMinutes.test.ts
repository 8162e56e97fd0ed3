import type { EditorWindow } from '../support/storyEditor.js';
import { useEditor } from '../support/storyEditor.js';

// The story of a person's first minutes, step by step in one window; each step stands on the one before.
describe('the first minutes with a model', function () {
  this.timeout(180_000);
  this.bail(true);
  const editor = useEditor();
  let window: EditorWindow;

  before(async () => {
    window = await editor().openWindow({ width: 1400, height: 900 });
  });

  it('lists the models of the folder in the side bar', async () => {
    await window.showSideBar('Neuron Inspector');
    await window.treeItem(/^dying-relu\.onnx, 4 layers · 243 k/).waitFor();
    await window.screenshot('01-side-bar');
  });
});
