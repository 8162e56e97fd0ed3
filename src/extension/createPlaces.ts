import type { App } from './app.js';
import type { Places } from './createNavigation.js';
import { ModelEditors } from './editors/modelEditor.js';
import { registerReportEditor } from './editors/reportEditor.js';
import { NeuronPanels } from './panels/neuronPanel.js';
import { RunPanels } from './panels/runPanel.js';
import { ReportPanels } from './panels/reportPanel.js';

/** Makes the pages: custom editors and panels, each registered with the editor. */
export function createPlaces(app: App): Places {
  const models = new ModelEditors(app);
  const neurons = new NeuronPanels(app);
  const forms = new RunPanels(app);
  const reports = new ReportPanels(app);
  app.context.subscriptions.push(models, neurons, forms, reports, registerReportEditor(app));
  return { models, neurons, forms, reports };
}
