import assert from 'node:assert/strict';
import { lastChoice, layersOf, openForm, problemOf } from '../support/runForm.js';

describe('the settings of the form of a run', () => {
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
});
