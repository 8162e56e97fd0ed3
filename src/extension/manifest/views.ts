/** The activity bar's container and its views. */
export const viewContainer = {
  id: 'neuronInspector',
  title: 'Neuron Inspector',
  icon: 'media/activity-bar.svg',
} as const;

/** The views of the container, in order; sizes are shares of the height: neurons need the most lines. */
export const viewEntries = [
  { id: 'models', name: 'Models', icon: 'media/activity-bar.svg', initialSize: 3 },
  { id: 'analyses', name: 'Analyses', icon: 'media/activity-bar.svg', initialSize: 2 },
  { id: 'results', name: 'Results', icon: 'media/activity-bar.svg', initialSize: 1.5 },
] as const;

/** What an empty view says: the one next step. */
export const welcomeEntries = [
  {
    view: 'models',
    when: 'workspaceFolderCount != 0 && neuronInspector.isSearched',
    contents:
      'No .onnx model was found in this workspace.\n[Open Model…](command:neuronInspector.addModel)\nExport one from your training code, for example with torch.onnx.export, and it appears here.\n[Get Started](command:neuronInspector.openWalkthrough)',
  },
  {
    view: 'models',
    when: 'workspaceFolderCount == 0',
    contents:
      'Open a folder that holds a model, or open a model file.\n[Open Folder](command:vscode.openFolder)\n[Open Model…](command:neuronInspector.addModel)',
  },
  {
    view: 'analyses',
    when: '!neuronInspector.hasModel && neuronInspector.isSearched',
    contents:
      'Questions to a model appear here once one is open.\n[Open Model…](command:neuronInspector.addModel)',
  },
  {
    view: 'results',
    when: 'isWorkspaceTrusted',
    contents:
      'No analysis has run yet.\n[Run Analysis…](command:neuronInspector.runAnalysis)\nResults stay here until you delete them.',
  },
  {
    view: 'results',
    when: '!isWorkspaceTrusted',
    contents:
      'This workspace is in Restricted Mode: the structure of models can be read, and nothing is run.\n[Manage Workspace Trust](command:workbench.trust.manage)',
  },
] as const;
