/** Custom editors; their view types are part of people's settings and never change. */
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
