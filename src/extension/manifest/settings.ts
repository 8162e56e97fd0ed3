import type { SettingEntry } from './contribution.js';

/** The settings `neuronInspector.*`. */
export const settingEntries: readonly SettingEntry[] = [
  {
    key: 'provider',
    type: 'string',
    default: 'auto',
    enum: ['auto', 'cpu', 'webgpu', 'cuda', 'dml', 'coreml'],
    enumDescriptions: [
      'The fastest that works on this machine; never a software GPU.',
      'The processor. Works everywhere.',
      'Any GPU through WebGPU (bundled).',
      'NVIDIA GPUs; needs CUDA 12 and cuDNN 9 installed.',
      'GPUs on Windows through DirectML.',
      'Apple GPUs and neural engine.',
    ],
    description: 'Where models run. The status bar shows which provider is in use.',
    scope: 'machine-overridable',
  },
  {
    key: 'threads',
    type: 'integer',
    default: 0,
    minimum: 0,
    maximum: 1024,
    description:
      'Threads that one operator may use. 0 lets the runtime choose, usually one per core; choose fewer to keep the machine responsive.',
    scope: 'machine-overridable',
  },
  {
    key: 'memoryMegabytes',
    type: 'integer',
    default: 256,
    minimum: 16,
    maximum: 1_048_576,
    description:
      'Memory in MB that the activations of one batch may take. Larger batches run faster until the memory is full. It decides the batch size, which every report records. Long gradient work holds up to four batches more.',
    scope: 'machine-overridable',
  },
  {
    key: 'engineNodePath',
    type: 'string',
    default: '',
    description:
      'Absolute path of the Node.js (20.19 or newer) that runs the engine process. Empty: the one that runs the editor. Set it when the engine does not start, for example because the editor’s own Node.js cannot load the native runtime.',
    scope: 'machine',
  },
  {
    key: 'thresholds',
    type: 'object',
    default: {},
    description:
      'Limits by analysis, checked after every run: `{ "dead-neurons": ["deadShare>0.1"] }`. A crossed limit is shown on the report and on its line in Results. Limits in an `.inspect.json` apply as well.',
    scope: 'resource',
    schema: {
      additionalProperties: {
        type: 'array',
        items: { type: 'string', pattern: '^\\s*\\w+\\s*(>=|<=|==|>|<)\\s*[-+.\\deE]+\\s*$' },
      },
    },
  },
  {
    key: 'hovers.enabled',
    type: 'boolean',
    default: true,
    description: 'Show what a neuron does when the pointer rests on its index or address in code.',
    scope: 'resource',
  },
  {
    key: 'codeLens.enabled',
    type: 'boolean',
    default: true,
    description:
      'Offer to explain a prediction above the assertions of tests and the samples they name, and to run analyses above the lines of an `.inspect.json`.',
    scope: 'resource',
  },
  {
    key: 'codeLens.layers',
    type: 'boolean',
    default: true,
    description:
      'Say above the classes and layers of training code that an `.inspect.json` names how many parameters they have and what was measured of them.',
    scope: 'resource',
  },
  {
    key: 'mutedFindings',
    type: 'array',
    default: [],
    description:
      'Findings that are not listed as problems, each with the reason. “Show Muted Findings…” lists them and lets them be heard again.',
    scope: 'resource',
    schema: {
      items: {
        type: 'object',
        required: ['model', 'analysis', 'finding', 'reason'],
        properties: {
          model: { type: 'string' },
          analysis: { type: 'string' },
          finding: { type: 'string' },
          reason: { type: 'string' },
        },
      },
    },
  },
  {
    key: 'models.exclude',
    type: 'array',
    default: ['**/node_modules/**', '**/.git/**', '**/.venv/**', '**/venv/**'],
    description: 'Folders that are not searched for model files, as glob patterns.',
    scope: 'resource',
    schema: { items: { type: 'string' } },
  },
];
