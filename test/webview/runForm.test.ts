import assert from 'node:assert/strict';
import { isRunPageState, type RunChoice, type RunShow } from '../../src/protocol/views/runMessages.js';
import { command, data, form, openForm, place, themes } from '../support/runForm.js';

describe('the form of a run', () => {
  it('says what it is for, which data it takes and how the data is understood', async () => {
    const { page } = await openForm();
    await page.getByRole('heading', { name: 'Attribution — digits-cnn.onnx' }).waitFor();
    await page.getByText(form.asks).waitFor();
    await page.getByText('IDX array · 10,000 samples · 10 classes: 0, 1, 2, 3, 4, 5, 6, 7 …').waitFor();
    await page.getByText(/assumed layout NCHW/).waitFor();
    await page.getByText('≈ 4 s').waitFor();
    await page.getByText('from one batch of 128 samples').waitFor();
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
          isElsewhere ? null : '/home/ana/space/models/digits-cnn.inspect.json',
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

  it('shows why a run could not start, and may be run again', async () => {
    const view = await openForm();
    await view.page.keyboard.press('Control+Enter');
    await view.waitForTell('run');
    await view.show({
      kind: 'problem',
      heading: 'The run could not start',
      message: 'There is no layer fc9. Choose one of conv1, conv2, fc1.',
    });
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
