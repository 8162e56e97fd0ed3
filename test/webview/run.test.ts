import assert from 'node:assert/strict';
import {
  type DataState,
  isRunPageState,
  type RunChoice,
  type RunForm,
  type RunProtocol,
  type RunShow,
} from '../../src/protocol/views/runMessages.js';
import type { Locator, Page } from 'playwright-core';
import type { SettingsSchema } from '../../src/protocol/settings.js';
import type { ThemeName } from '../support/editorThemes.js';
import { openView, type ViewSetup, type WebviewPage } from '../support/webviewPage.js';

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

const form: RunForm = {
  formId: 'one',
  analysisId: 'attribution',
  analysisTitle: 'Attribution',
  asks: 'Which parts of the input speak for this prediction, and which against it?',
  modelName: 'digits-cnn.onnx',
  modelPath: '/work/space/models/digits-cnn.onnx',
  dataNeed: 'required',
  settings: schema,
  choice: { settings: {}, seed: 0, provider: 'auto', limit: null, batchSize: null },
  isRestricted: false,
};

const place = {
  path: '/work/space/data/digits-images-idx3-ubyte.gz',
  name: 'digits-images-idx3-ubyte.gz',
  folder: 'data',
  isInspectFile: false,
};

const data: DataState = {
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

const command =
  'neuron-inspector run attribution models/digits-cnn.onnx --data data/digits-images-idx3-ubyte.gz';

const shows: readonly RunShow[] = [
  { kind: 'form', form },
  { kind: 'data', data },
  { kind: 'estimate', estimate: { kind: 'known', durationMs: 4200, how: 'from one batch of 128' } },
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

function openForm(setup: ViewSetup<RunProtocol> = {}): Promise<WebviewPage<RunProtocol>> {
  return openView<RunProtocol>('run', { shows, ...setup });
}

const themes: readonly ThemeName[] = ['light', 'dark', 'high-contrast-light', 'high-contrast'];

/** The open list of layers; the options of a select have the same role. */
function layersOf(page: Page): Locator {
  return page.locator('ni-suggest-field').getByRole('option');
}

/** The last choice that the page told, or undefined before any. */
function lastChoice(view: WebviewPage<RunProtocol>): RunChoice | null | undefined {
  return view.tells().findLast((tell) => tell.kind === 'changed')?.choice;
}

async function problemOf(view: WebviewPage<RunProtocol>, label: string): Promise<string> {
  const control = view.page.getByLabel(label, { exact: true });
  const ids = ((await control.getAttribute('aria-describedby')) ?? '').split(' ');
  const texts = await Promise.all(ids.map((id) => view.page.locator(`#${id}`).textContent()));
  return texts.at(-1)?.trim() ?? '';
}

describe('the form of a run', () => {
  it('says what it is for, which data it takes and how the data is understood', async () => {
    const { page } = await openForm();
    await page.getByRole('heading', { name: 'Attribution — digits-cnn.onnx' }).waitFor();
    await page.getByText(form.asks).waitFor();
    await page.getByText('IDX array · 10,000 samples · 10 classes: 0, 1, 2, 3, 4, 5, 6, 7 …').waitFor();
    await page.getByText(/assumed layout NCHW/).waitFor();
    await page.getByText('≈ 4 s').waitFor();
    await page.getByText('from one batch of 128').waitFor();
  });

  it('passes what was chosen in every kind of setting', async () => {
    const view = await openForm();
    const { page } = view;
    await page.getByLabel('Steps', { exact: true }).fill('7');
    await page.getByLabel('Relative threshold').fill('1e-2');
    await page.getByLabel('Neuron', { exact: true }).fill('fc1[3]');
    await page.getByLabel('Layer', { exact: true }).fill('conv2');
    await page.getByLabel('Background', { exact: true }).fill('/b.npz');
    await page.getByLabel('Target', { exact: true }).fill('4');
    await page.getByLabel('Multiply by input − baseline', { exact: true }).uncheck();
    await page.getByText('Advanced').click();
    await page.getByLabel('Seed', { exact: true }).fill('12');
    await page.getByLabel('Samples at most', { exact: true }).fill('100');
    await page.getByLabel('Batch size', { exact: true }).fill('16');
    await page.getByLabel('Provider', { exact: true }).selectOption('cpu');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const { choice } = await view.waitForTell('run');
    assert.deepEqual(choice, {
      settings: {
        steps: 7,
        epsilon: 0.01,
        neuron: 'fc1[3]',
        layer: 'conv2',
        background: '/b.npz',
        target: '4',
        multiply: false,
      },
      seed: 12,
      provider: 'cpu',
      limit: 100,
      batchSize: 16,
    });
  });

  it('shows the settings of the chosen method only, and passes no other', async () => {
    const view = await openForm();
    const { page } = view;
    await page.getByLabel('Steps', { exact: true }).fill('7');
    assert.equal(await page.getByLabel('Window', { exact: true }).count(), 0);
    await page.getByLabel('Method', { exact: true }).selectOption('occlusion');
    await page.getByLabel('Window', { exact: true }).fill('5,3');
    assert.equal(await page.getByLabel('Steps', { exact: true }).count(), 0);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const { choice } = await view.waitForTell('run');
    assert.deepEqual(choice.settings, { method: 'occlusion', window: '5,3' });
  });

  for (const { label, wrong, problem } of [
    { label: 'Steps', wrong: '1001', problem: /out of range: it must be an integer from 1 to 1000/ },
    { label: 'Steps', wrong: '2.5', problem: /is not an integer from 1 to 1000/ },
    { label: 'Relative threshold', wrong: '1', problem: /a number between 0 and 1, both excluded/ },
    { label: 'Relative threshold', wrong: 'small', problem: /"small" is not a number/ },
  ]) {
    it(`says at ${label} what is wrong with ${wrong}, runs nothing, and leads back to it`, async () => {
      const view = await openForm();
      const { page } = view;
      const control = page.getByLabel(label, { exact: true });
      await control.fill(wrong);
      assert.match(await problemOf(view, label), problem);
      assert.equal(await control.getAttribute('aria-invalid'), 'true');
      assert.equal(lastChoice(view), null);
      await page.getByText('1 value needs correcting.').waitFor();
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.waitForFunction(
        (id) => document.querySelector('ni-run-form')?.shadowRoot?.activeElement?.id === id,
        await control.getAttribute('id'),
      );
      assert.equal(
        view.tells().some(({ kind }) => kind === 'run'),
        false,
      );
    });
  }

  it('opens the advanced part to lead to a wrong value in it', async () => {
    const view = await openForm();
    const { page } = view;
    await page.getByText('Advanced').click();
    await page.getByLabel('Seed', { exact: true }).fill('-1');
    await page.getByText('Advanced').click();
    assert.equal(await page.getByLabel('Seed', { exact: true }).isVisible(), false);
    await page.keyboard.press('Control+Enter');
    await page.getByLabel('Seed', { exact: true }).waitFor({ state: 'visible' });
  });

  it('shows what only the host can see to be wrong, until the value changes', async () => {
    const view = await openForm();
    const neuron = view.page.getByLabel('Neuron', { exact: true });
    await neuron.fill('fc9[0]');
    await view.show({ kind: 'problems', problems: { neuron: 'There is no layer fc9. Did you mean fc1?' } });
    await view.page.getByText('There is no layer fc9.').waitFor();
    await neuron.fill('fc1[0]');
    await view.page.getByText('There is no layer fc9.').waitFor({ state: 'hidden' });
  });

  it('resets one setting, or all of them, to the defaults', async () => {
    const view = await openForm();
    const { page } = view;
    await page.getByLabel('Steps', { exact: true }).fill('7');
    await page.getByLabel('Target', { exact: true }).fill('3');
    await page.getByRole('button', { name: 'Reset Steps to 50' }).click();
    assert.equal(await page.getByLabel('Steps', { exact: true }).inputValue(), '50');
    assert.deepEqual(lastChoice(view)?.settings, { target: '3' });
    await page.getByRole('button', { name: 'Reset all' }).click();
    assert.equal(await page.getByLabel('Target', { exact: true }).inputValue(), 'argmax');
    assert.deepEqual(lastChoice(view)?.settings, {});
    assert.equal(await page.getByRole('button', { name: 'Reset all' }).count(), 0);
  });

  it('completes addresses from the layers of the model, by the keyboard', async () => {
    const view = await openForm();
    const { page } = view;
    const neuron = page.getByLabel('Neuron', { exact: true });
    await neuron.focus();
    await page.keyboard.type('conv');
    assert.deepEqual(await layersOf(page).allInnerTexts(), [
      'conv1[0]\nConv · 16 units',
      'conv2[0]\nConv · 32 units',
    ]);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const active = await neuron.getAttribute('aria-activedescendant');
    assert.match((await page.locator(`#${active ?? 'none'}`).textContent()) ?? '', /conv2\[0\]/);
    await page.keyboard.press('Enter');
    assert.equal(await layersOf(page).count(), 0);
    // The number is selected: what is typed takes its place.
    await page.keyboard.type('17');
    assert.equal(await neuron.inputValue(), 'conv2[17]');
    assert.deepEqual(lastChoice(view)?.settings, { neuron: 'conv2[17]' });
    assert.equal(
      view.tells().some(({ kind }) => kind === 'run'),
      false,
    );
  });

  it('closes the list of layers on Escape and completes by a click', async () => {
    const { page } = await openForm();
    const layer = page.getByLabel('Layer', { exact: true });
    await layer.click();
    assert.equal(await layersOf(page).count(), 4);
    await page.keyboard.press('Escape');
    assert.equal(await layersOf(page).count(), 0);
    await layer.fill('flat');
    await layersOf(page).filter({ hasText: 'flatten' }).click();
    assert.equal(await layer.inputValue(), 'flatten');
  });

  it('is filled, run and left with the keyboard alone', async () => {
    const view = await openForm();
    const { page } = view;
    const seen: string[] = [];
    for (let presses = 0; presses < 30; presses++) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate(() => {
        const element = document.querySelector('ni-run-form')?.shadowRoot?.activeElement;
        return element?.id !== '' && element?.id !== undefined
          ? element.id
          : (element?.textContent.trim() ?? '');
      });
      seen.push(name);
      if (name === 'field-steps') await page.keyboard.type('9');
      if (name === 'run') break;
    }
    for (const reached of [
      'choose-data',
      'field-method',
      'field-steps',
      'field-neuron',
      'field-multiply',
      'run',
    ]) {
      assert(seen.includes(reached), `${reached} is not reached: ${seen.join(', ')}`);
    }
    await page.keyboard.press('Enter');
    assert.deepEqual((await view.waitForTell('run')).choice.settings, { steps: 9 });
  });

  it('runs once, on Ctrl+Enter from any field', async () => {
    const view = await openForm();
    await view.page.getByLabel('Neuron', { exact: true }).focus();
    await view.page.keyboard.press('Control+Enter');
    await view.waitForTell('run');
    await view.page.keyboard.press('Control+Enter');
    await view.page.getByRole('button', { name: 'Starting…' }).waitFor();
    assert.equal(view.tells().filter(({ kind }) => kind === 'run').length, 1);
  });

  it('asks for data before it runs without any', async () => {
    const view = await openForm({
      shows: [
        { kind: 'form', form },
        { kind: 'data', data: { kind: 'none' } },
      ],
    });
    const { page } = view;
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('alert').filter({ hasText: 'Choose the data to run the model on.' }).waitFor();
    assert.equal(
      view.tells().some(({ kind }) => kind === 'run'),
      false,
    );
    await page.getByRole('button', { name: 'Choose data…' }).click();
    await view.waitForTell('choose-data');
    await view.show({ kind: 'data', data });
    await page.getByText('Choose the data to run the model on.').waitFor({ state: 'hidden' });
  });

  it('says why data cannot be used', async () => {
    const view = await openForm();
    const message = 'digits.npz has no array for the input "image". It has x and y.';
    await view.show({ kind: 'data', data: { kind: 'refused', place, message } });
    await view.page.getByText(message).waitFor();
    await view.expectNoAxeViolations();
  });

  it('shows what it would write down before it writes, and where', async function () {
    this.timeout(40_000);
    const text = '{\n  "version": 1,\n  "model": "digits-cnn.onnx"\n}\n';
    const view = await openForm({
      answers: {
        proposal: () => ({ text, path: 'models/digits-cnn.inspect.json' }),
        'save-proposal': ({ isElsewhere }) =>
          isElsewhere ? null : '/work/space/models/digits-cnn.inspect.json',
      },
    });
    const { page } = view;
    await page.getByRole('button', { name: 'Write it down in an inspect file' }).click();
    assert.equal(await page.getByLabel('What will be written').textContent(), text);
    await view.expectNoAxeViolations();
    await view.screenshotsInThemes('run/proposal');
    // The person closed the dialog: nothing is lost.
    await page.getByRole('button', { name: 'Save elsewhere…' }).click();
    await page.getByRole('button', { name: 'Save as models/digits-cnn.inspect.json' }).click();
    await page.getByLabel('What will be written').waitFor({ state: 'hidden' });
    assert.deepEqual(
      view.asks().flatMap((ask) => (ask.kind === 'save-proposal' ? [ask.isElsewhere] : [])),
      [true, false],
    );
  });

  it('says why it could not write', async () => {
    const view = await openForm({
      answers: {
        proposal: () => {
          throw new Error('models is read-only. Save it in another folder.');
        },
      },
    });
    await view.page.getByRole('button', { name: 'Write it down in an inspect file' }).click();
    await view.page.getByText('models is read-only.').waitFor();
  });

  it('copies the command and says so', async () => {
    const view = await openForm({ answers: { 'copy-command': () => null } });
    const { page } = view;
    await page.getByText(command).waitFor();
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('status').filter({ hasText: 'Command copied.' }).waitFor({ state: 'attached' });
    await view.show({ kind: 'command', text: `${command} --seed 3` });
    await page.getByRole('button', { name: 'Copy', exact: true }).waitFor();
  });

  it('browses for a path', async () => {
    const view = await openForm({ answers: { 'choose-path': ({ key }) => `/chosen/for/${key}.npz` } });
    await view.page.getByRole('button', { name: 'Browse for Background' }).click();
    await view.page.waitForTimeout(50);
    assert.equal(
      await view.page.getByLabel('Background', { exact: true }).inputValue(),
      '/chosen/for/background.npz',
    );
  });

  it('says how long it takes, that it is being worked out, or why it is not known', async () => {
    const view = await openForm();
    const { page } = view;
    await view.show({ kind: 'estimate', estimate: { kind: 'estimating' } });
    await page.getByRole('button', { name: 'Stop estimating' }).click();
    await view.waitForTell('stop-estimate');
    await view.show({ kind: 'estimate', estimate: { kind: 'unknown', reason: 'the engine was lost.' } });
    await page.getByText('The time cannot be estimated: the engine was lost.').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await view.waitForTell('estimate');
    await view.show({ kind: 'waiting', text: 'Starts when "Dead neurons — a.onnx" has ended' });
    await page.getByText('Starts when "Dead neurons — a.onnx" has ended.').waitFor();
  });

  it('runs nothing in Restricted Mode and leads out of it', async function () {
    this.timeout(40_000);
    const restricted: RunShow = { kind: 'form', form: { ...form, isRestricted: true } };
    const view = await openForm({ shows: [restricted, { kind: 'data', data: { kind: 'unread', place } }] });
    const { page } = view;
    await page.getByText('Nothing is run in Restricted Mode').waitFor();
    await view.expectNoAxeViolations();
    await view.screenshotsInThemes('run/restricted');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'Manage Workspace Trust' }).click();
    await view.waitForTell('manage-trust');
    assert.equal(
      view.tells().some(({ kind }) => kind === 'run'),
      false,
    );
    await view.show({ kind: 'trusted' });
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await view.waitForTell('run');
  });

  it('shows why a run was refused, and may be run again', async () => {
    const view = await openForm();
    await view.page.keyboard.press('Control+Enter');
    await view.waitForTell('run');
    await view.show({ kind: 'refused', message: 'There is no layer fc9. Choose one of conv1, conv2, fc1.' });
    await view.page.getByRole('heading', { name: 'The run could not start' }).waitFor();
    await view.page.getByText('There is no layer fc9. Choose one of').waitFor();
    await view.page.keyboard.press('Control+Enter');
    await view.page.getByRole('button', { name: 'Starting…' }).waitFor();
    assert.equal(view.tells().filter(({ kind }) => kind === 'run').length, 2);
  });

  it('begins with the values of the run that is asked again', async () => {
    const choice: RunChoice = {
      settings: { steps: 20, multiply: false },
      seed: 3,
      provider: 'cpu',
      limit: 50,
      batchSize: null,
    };
    const { page } = await openForm({
      shows: [
        { kind: 'form', form: { ...form, choice } },
        { kind: 'data', data },
      ],
    });
    assert.equal(await page.getByLabel('Steps', { exact: true }).inputValue(), '20');
    assert.equal(await page.getByLabel('Multiply by input − baseline', { exact: true }).isChecked(), false);
    assert.equal(await page.getByLabel('Seed', { exact: true }).inputValue(), '3');
    assert.equal(await page.getByLabel('Samples at most', { exact: true }).inputValue(), '50');
  });

  it('keeps what is typed, right or wrong, over hiding and reload, but not for another opening', async () => {
    const view = await openForm();
    const { page } = view;
    await page.getByLabel('Steps', { exact: true }).fill('0');
    await page.getByText('Advanced').click();
    await page.getByLabel('Seed', { exact: true }).fill('8');
    await view.reload();
    assert.equal(await page.getByLabel('Steps', { exact: true }).inputValue(), '0');
    assert.equal(await page.getByLabel('Seed', { exact: true }).inputValue(), '8');
    const state = view.writtenState();
    assert(isRunPageState(state));
    assert.deepEqual(state.reopen, {
      analysisId: 'attribution',
      modelPath: form.modelPath,
      dataPath: place.path,
      choice: form.choice,
    });
    await view.show({ kind: 'form', form: { ...form, formId: 'two' } });
    assert.equal(await page.getByLabel('Steps', { exact: true }).inputValue(), '50');
  });

  it('shows names from models as text', async () => {
    const modelName = '<img src=x onerror=alert(1)>.onnx';
    const { page } = await openForm({ shows: [{ kind: 'form', form: { ...form, modelName } }] });
    await page.getByRole('heading', { name: `Attribution — ${modelName}` }).waitFor();
  });

  it('passes axe in every theme, with a wrong value and an open list', async function () {
    // Four rounds of axe and eight pictures.
    this.timeout(60_000);
    const view = await openForm();
    await view.page.getByLabel('Steps', { exact: true }).fill('0');
    await view.page.getByText('Advanced').click();
    await view.page.getByLabel('Neuron', { exact: true }).click();
    await view.page.keyboard.press('ArrowDown');
    for (const theme of themes) {
      await view.setTheme(theme);
      await view.expectNoAxeViolations();
    }
    await view.screenshotsInThemes('run/wrong');
  });

  it('fits a narrow page and a page zoomed to twice its size', async function () {
    this.timeout(40_000);
    const view = await openForm({ width: 400, height: 700, scale: 2 });
    await view.page.getByText('Advanced').click();
    const overflow = await view.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.equal(overflow, 0);
    await view.screenshot('run/zoomed', { fullPage: true });
    const wide = await openForm();
    await wide.screenshotsInThemes('run/form');
  });
});
