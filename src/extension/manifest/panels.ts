import { idPrefix } from './contribution.js';

/** Types of the panels that come back after a reload of the window. */
export const panelTypes = {
  neuron: `${idPrefix}neuron`,
  run: `${idPrefix}run`,
  report: `${idPrefix}reportPanel`,
  playground: `${idPrefix}playground`,
} as const;

/** View types of the editors of files; part of people's settings, they never change. */
export const editorTypes = {
  model: `${idPrefix}model`,
  report: `${idPrefix}report`,
} as const;

/** What wakes the extension; the editor infers the rest from what is contributed. */
export const activationEvents: readonly string[] = [
  // Models found in a workspace are listed, and their neurons known to hovers, without a first click.
  'workspaceContains:**/*.onnx',
  'workspaceContains:**/*.inspect.json',
  // That a panel comes back is not inferred.
  ...Object.values(panelTypes).map((type) => `onWebviewPanel:${type}`),
];
