import type { Locator, Page } from 'playwright-core';
import type { SettingsSchema } from '../../src/protocol/settings.js';
import type {
  DataState,
  RunChoice,
  RunForm,
  RunProtocol,
  RunShow,
} from '../../src/protocol/views/runMessages.js';
import type { ThemeName } from './editorThemes.js';
import { openView, type ViewSetup, type WebviewPage } from './webviewPage.js';

// A form of a run with a setting of every kind, and what tests ask of it.

const schema = {
  method: {
    kind: 'choice',
    title: 'Method',
    description: 'How the prediction is shared out over the input: gradients add up, occlusion needs none.',
    default: 'gradients',
    choices: ['gradients', 'occlusion'],
  },
  steps: {
    kind: 'integer',
    title: 'Steps',
    description: 'Points on the path of integrated gradients; more steps, smaller completeness error.',
    default: 50,
    minimum: 1,
    maximum: 1000,
    unit: 'points',
    appliesWhen: { method: ['gradients'] },
  },
  epsilon: {
    kind: 'number',
    title: 'Relative threshold',
    description: 'GELU-like neurons are active where |a| exceeds this × the RMS of their layer.',
    default: 0.001,
    minimum: 0,
    maximum: 1,
    exclusive: true,
  },
  neuron: {
    kind: 'text',
    format: 'address',
    title: 'Neuron',
    description: 'Address of a unit whose value is explained in place of the output.',
    default: null,
  },
  layer: {
    kind: 'text',
    format: 'layer',
    title: 'Layer',
    description: 'Share the prediction out over this layer’s values.',
    default: null,
  },
  background: {
    kind: 'text',
    format: 'path',
    title: 'Background',
    description: 'An .npz file with many baselines.',
    default: null,
  },
  window: {
    kind: 'text',
    format: 'integers',
    title: 'Window',
    description: 'Size of the hidden window, one number or one per axis.',
    default: null,
    appliesWhen: { method: ['occlusion'] },
  },
  target: {
    kind: 'text',
    title: 'Target',
    description: 'Index on the class axis of the output, or argmax.',
    default: 'argmax',
  },
  multiply: {
    kind: 'boolean',
    title: 'Multiply by input − baseline',
    description: 'Off: the averaged gradient alone, a sensitivity.',
    default: true,
  },
} as const satisfies SettingsSchema;

export const form: RunForm = {
  formId: 'one',
  analysisId: 'attribution',
  analysisTitle: 'Attribution',
  asks: 'Which parts of the input speak for this prediction, and which against it?',
  modelName: 'digits-cnn.onnx',
  modelPath: '/home/ana/space/models/digits-cnn.onnx',
  dataNeed: 'required',
  settings: schema,
  choice: { settings: {}, seed: 0, provider: 'auto', limit: null, batchSize: null },
  isRestricted: false,
};

export const place = {
  path: '/home/ana/space/data/digits-images-idx3-ubyte.gz',
  name: 'digits-images-idx3-ubyte.gz',
  folder: 'data',
  isInspectFile: false,
};

export const data: DataState = {
  kind: 'known',
  place,
  facts: {
    kind: 'IDX array',
    sampleCount: 10_000,
    hasLabels: true,
    labelNames: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    warnings: [
      'Input "image": assumed layout NCHW, scale 1/255 of pixels 0–255. Write it down in an .inspect.json.',
    ],
    canBeWritten: true,
  },
};

export const command =
  'neuron-inspector run attribution models/digits-cnn.onnx --data data/digits-images-idx3-ubyte.gz';

const shows: readonly RunShow[] = [
  { kind: 'form', form },
  { kind: 'data', data },
  { kind: 'estimate', estimate: { kind: 'known', durationMs: 4200, how: 'from one batch of 128 samples' } },
  { kind: 'command', text: command },
  {
    kind: 'layers',
    layers: [
      { name: 'conv1', address: 'conv1[0]', detail: 'Conv · 16 units' },
      { name: 'conv2', address: 'conv2[0]', detail: 'Conv · 32 units' },
      { name: 'flatten', address: null, detail: 'Flatten' },
      { name: 'fc1', address: 'fc1[0]', detail: 'Gemm · 128 units' },
    ],
  },
  { kind: 'waiting', text: null },
];

export function openForm(setup: ViewSetup<RunProtocol> = {}): Promise<WebviewPage<RunProtocol>> {
  return openView<RunProtocol>('run', { shows, ...setup });
}

export const themes: readonly ThemeName[] = ['light', 'dark', 'high-contrast-light', 'high-contrast'];

/** The open list of layers; the options of a select have the same role. */
export function layersOf(page: Page): Locator {
  return page.locator('ni-suggest-field').getByRole('option');
}

/** The last choice that the page told, or undefined before any. */
export function lastChoice(view: WebviewPage<RunProtocol>): RunChoice | null | undefined {
  return view.tells().findLast((tell) => tell.kind === 'changed')?.choice;
}

export async function problemOf(view: WebviewPage<RunProtocol>, label: string): Promise<string> {
  const control = view.page.getByLabel(label, { exact: true });
  const ids = ((await control.getAttribute('aria-describedby')) ?? '').split(' ');
  const texts = await Promise.all(ids.map((id) => view.page.locator(`#${id}`).textContent()));
  return texts.at(-1)?.trim() ?? '';
}
