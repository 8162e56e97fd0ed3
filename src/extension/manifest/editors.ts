/**
 * Custom editors; their view types are part of people's settings and never change.
 *
 * Priority `default` is how the editor opens a file in ours when no other viewer claims it: with `option` a double click
 * would show the warning about binary files until the person found "Reopen Editor With…". Where another extension claims
 * the same files as `default` too, the editor asks which to use and remembers the answer; viewers that declare `option`
 * stay one "Reopen Editor With…" away.
 */
export const editorEntries = [
  {
    viewType: 'neuronInspector.model',
    displayName: 'Neuron Inspector: Model',
    pattern: '*.onnx',
    priority: 'default',
  },
  {
    viewType: 'neuronInspector.report',
    displayName: 'Neuron Inspector: Report',
    pattern: '*.nireport.json',
    priority: 'default',
  },
] as const;
