import type { App } from './app.js';
import type { Places } from './createNavigation.js';
import { ModelEditors } from './editors/modelEditor.js';
import { ReportEditor } from './editors/reportEditor.js';
import { NeuronPanels } from './panels/neuronPanel.js';
import { RunPanels } from './panels/runPanel.js';
import { PlaygroundPanels } from './panels/playgroundPanel.js';
import { ReportPanels } from './panels/reportPanel.js';

/** Makes what shows the pages: custom editors and panels; `registerPlaces` tells the editor of them. */
export function createPlaces(app: App): Places {
  const neurons = new NeuronPanels(app);
  const forms = new RunPanels(app);
  const reports = new ReportPanels(app);
  const playgrounds = new PlaygroundPanels(app);
  app.context.subscriptions.push(neurons, forms, reports, playgrounds);
  return {
    models: new ModelEditors(app),
    reportFiles: new ReportEditor(app),
    ...{ neurons, forms, reports, playgrounds },
  };
}
