import assert from 'node:assert/strict';
import {
  type MeasurementState,
  type NeuronProtocol,
  type NeuronShow,
  readNeuronPageState,
} from '../../src/protocol/views/neuronMessages.js';
import type { ThemeName } from '../support/editorThemes.js';
import {
  convProfile,
  convWeights,
  knownFacts,
  neuronPlace,
  pictureExample,
  placeShown,
  shownProfile,
} from '../support/plantedNeuron.js';
import { openView, type ViewSetup, type WebviewPage } from '../support/webviewPage.js';

const done: NeuronShow = { kind: 'measurement', state: { kind: 'done' } };
const nothingMeasured: NeuronShow = { kind: 'profile', shown: null };
const weights: NeuronShow = { kind: 'weights', state: { kind: 'read', weights: convWeights() } };
const full: readonly NeuronShow[] = [
  placeShown(),
  { kind: 'facts', facts: knownFacts() },
  { kind: 'profile', shown: shownProfile(convProfile()) },
  done,
  weights,
];
const offered: Extract<MeasurementState, { readonly kind: 'offered' }> = {
  kind: 'offered',
  dataName: 'test.inspect.json',
  estimate: { durationMs: 4200, how: { kind: 'neuron', address: 'conv1[3]' } },
  quick: null,
  other: null,
};

function open(
  shows: readonly NeuronShow[],
  setup: ViewSetup<NeuronProtocol> = {},
): Promise<WebviewPage<NeuronProtocol>> {
  return openView<NeuronProtocol>('neuron', { shows, ...setup });
}

/** A page without a profile, at some state of measuring. */
function openAt(state: MeasurementState): Promise<WebviewPage<NeuronProtocol>> {
  return open([placeShown(), nothingMeasured, { kind: 'measurement', state }, weights]);
}

describe('the neuron page', () => {
  it('says what the neuron is and does, on what evidence', async () => {
    const { page } = await open(full);
    await page.getByRole('heading', { name: 'conv2[42]' }).waitFor();
    await page.getByText('conv channel · 14×14 map').waitFor();
    await page
      .getByText('active on 12.4 % of 10,000 images · max 7.91 · not dead', { exact: true })
      .waitFor();
    await page.getByText('measured on all 10,000 samples · mean 0.183').waitFor();
    await page.getByText('Nothing unusual. Measured at').waitFor();
  });

  it('says the same to a screen reader once it is known', async () => {
    const { page } = await open(full);
    await page
      .getByRole('status')
      .filter({ hasText: 'conv2[42]: active on 12.4 % of 10,000 images' })
      .waitFor({ state: 'attached' });
  });

  it('leads to the neuron whose state it has, to the layer, the model and the report', async () => {
    const view = await open(full);
    await view.page.getByRole('button', { name: 'relu2[42]' }).click();
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: 'relu2[42]' });
    await view.page.getByRole('button', { name: 'conv2', exact: true }).click();
    await view.waitForTell('open-layer');
    await view.page.getByRole('button', { name: 'digits-cnn.onnx' }).click();
    await view.waitForTell('open-model');
    await view.page.getByRole('button', { name: 'Open report' }).click();
    assert.deepEqual(await view.waitForTell('open-result'), { kind: 'open-result', resultId: 'result-1' });
  });

  it('is as wide as the window and no wider, whatever the names', async () => {
    const layer = 'model.blocks.11.mlp.a_layer_name_that_nobody_would_choose/and.never/ends';
    const place = { address: `${layer}[3071]`, layer, unit: 3071, unitCount: 3072, next: null };
    const view = await open([placeShown(place), ...full.slice(1)]);
    for (const width of [400, 800, 1600]) {
      await view.resize(width);
      const overflow = await view.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(overflow, 0, `at ${width} px`);
    }
  });

  for (const theme of ['light', 'dark', 'high-contrast-light', 'high-contrast'] satisfies ThemeName[]) {
    it(`has no accessibility violation in ${theme}, full, offered, wrong`, async function () {
      // Axe looks at everything three times.
      this.timeout(60_000);
      const view = await open(full, { theme });
      await view.page.getByText('Top 6 examples').waitFor();
      await view.expectNoAxeViolations();
      await view.show({ kind: 'profile', shown: null });
      await view.show({ kind: 'measurement', state: offered });
      await view.page.getByRole('button', { name: /Compute/ }).waitFor();
      await view.expectNoAxeViolations();
      await view.show(problem(['conv2[42]']));
      await view.page.getByRole('alert').waitFor();
      await view.expectNoAxeViolations();
    });
  }

  it('keeps where it is for the next window, and its look over a reload', async () => {
    const view = await open(full);
    await view.page.getByLabel('Opacity of the maps').first().fill('20');
    await view.page.getByRole('button', { name: 'Linear counts' }).first().click();
    await view.page.waitForTimeout(300);
    assert.deepEqual(readNeuronPageState(view.writtenState()), {
      model: 'file:///models/digits-cnn.onnx',
      trail: { addresses: ['conv1[0]', 'conv2[42]'], index: 1 },
    });
    await view.reload();
    assert.equal(await view.page.getByLabel('Opacity of the maps').first().inputValue(), '20');
    await view.page.getByRole('button', { name: 'Logarithmic counts' }).first().waitFor();
  });
});

describe('walking from neuron to neuron', () => {
  it('steps by buttons, j and k, and the arrow keys', async () => {
    const view = await open(full);
    const { page } = view;
    await page.getByRole('button', { name: 'Next unit 43' }).click();
    await page.getByRole('button', { name: 'Previous unit 41' }).click();
    await page.locator('body').click({ position: { x: 2, y: 2 } });
    for (const key of ['k', 'j', 'ArrowRight', 'ArrowLeft']) await page.keyboard.press(key);
    await view.page.waitForTimeout(100);
    const steps = view.tells().map((tell) => tell.kind === 'step' && tell.by);
    assert.deepEqual(steps, [1, -1, 1, -1, 1, -1]);
  });

  it('does not step while a person types, reads a grid or holds a modifier', async () => {
    const view = await open(full);
    const { page } = view;
    await page.keyboard.press('g');
    const field = page.getByRole('textbox', { name: 'Go to unit or address' });
    assert.equal(await field.inputValue(), '42');
    await page.keyboard.type('jk');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Escape');
    assert.equal(await field.inputValue(), '42');
    await page.keyboard.press('Control+k');
    await page.keyboard.press('Alt+ArrowLeft');
    await page
      .getByRole('button', { name: /^Example 2 of 6/ })
      .first()
      .focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForTimeout(100);
    assert.deepEqual(view.tells(), []);
  });

  it('has no way before the first unit, after the last, or past an only one', async () => {
    const view = await open([placeShown({ unit: 0, previous: null, next: 'conv2[1]' })]);
    await view.page.getByRole('button', { name: 'Previous unit none' }).waitFor();
    assert.equal(
      await view.page.getByRole('button', { name: 'Previous unit none', disabled: true }).count(),
      1,
    );
    await view.show(placeShown({ unit: 63, previous: 'conv2[62]', next: null }));
    await view.page.getByRole('button', { name: 'Next unit none' }).waitFor();
    await view.show(placeShown({ unit: 0, unitCount: 1, previous: null, next: null }));
    await view.page.getByText('of 1', { exact: true }).waitFor();
    assert.equal(await view.page.getByRole('button', { name: /unit none/ }).count(), 2);
  });

  it('goes to a unit or address that is typed, and says why it cannot', async () => {
    const view = await open(full, {
      answers: {
        'go-to': ({ text }) => {
          if (text === '99') throw new Error('There is no unit 99 in "conv2": it has 64 (0 to 63).');
          return { address: 'conv2[7]' };
        },
      },
    });
    const field = view.page.getByRole('textbox', { name: 'Go to unit or address' });
    await field.fill('99');
    await field.press('Enter');
    await view.page.getByRole('alert').getByText('There is no unit 99 in "conv2"').waitFor();
    await field.fill('7');
    await field.press('Enter');
    await view.page.getByRole('alert').waitFor({ state: 'detached' });
    assert.deepEqual(view.asks(), [
      { kind: 'go-to', text: '99' },
      { kind: 'go-to', text: '7' },
    ]);
  });

  it('goes back and forward as far as there is anything', async () => {
    const view = await open(full);
    await view.page.getByRole('button', { name: 'Back to conv1[0]' }).click();
    assert.deepEqual(await view.waitForTell('travel'), { kind: 'travel', by: -1 });
    assert.equal(await view.page.getByRole('button', { name: 'Forward' }).isDisabled(), true);
  });

  it('keeps its height and place while the next neuron is looked up', async () => {
    const view = await open(full);
    await view.page.getByText('6 random examples').scrollIntoViewIfNeeded();
    const before = await view.page.evaluate(() => window.scrollY);
    assert.ok(before > 100, `scrolled to ${before}`);
    await view.show(placeShown({ address: 'conv2[43]', unit: 43 }));
    await view.page.getByRole('heading', { name: 'conv2[43]' }).waitFor({ state: 'attached' });
    assert.equal(
      await view.page.getByText('Top 6 examples').count(),
      0,
      'nothing of the last neuron is left',
    );
    assert.equal(await view.page.evaluate(() => window.scrollY), before);
    for (const show of full.slice(1)) await view.show(show);
    await view.page.getByText('Top 6 examples').waitFor();
    assert.equal(await view.page.evaluate(() => window.scrollY), before);
  });

  it('says of a left-out position that it was left out', async () => {
    const view = await open([placeShown({ leftOutPosition: '@3,4' })]);
    await view.page.getByText('The page is of all positions; @3,4 was left out.').waitFor();
  });
});

describe('what a neuron page says without a measurement', () => {
  it('shows nothing yet while it looks, and is busy', async () => {
    const view = await open([placeShown()]);
    assert.equal(await view.page.locator('main').getAttribute('aria-busy'), 'true');
    assert.equal(await view.page.getByRole('button', { name: /Compute/ }).count(), 0);
  });

  it('says what the newest report knows, with its samples, and that the model changed since', async () => {
    const cards = [0, 1, 2].map((index) => {
      const { id, label, picture } = pictureExample(index, 1);
      return {
        index,
        id,
        ...(label === undefined ? {} : { label }),
        ...(picture === undefined ? {} : { picture }),
      };
    });
    const facts = knownFacts({ examples: cards, isStale: true });
    const { page } = await open([
      placeShown(),
      { kind: 'facts', facts },
      nothingMeasured,
      { kind: 'measurement', state: offered },
    ]);
    await page
      .getByText('active on 12.4 % of 10,000 images · max 7.91 · not dead', { exact: true })
      .waitFor();
    await page
      .getByText(/From a report: 10,000 samples · test.inspect.json · .* · the model changed since/)
      .waitFor();
    await page.getByRole('img', { name: /Counts of the outputs of relu2\[42\]/ }).waitFor();
    await page.getByRole('button', { name: /^Example 1 of 3: label 0 · test\/00000\.png/ }).waitFor();
  });

  it('asks for data where none were chosen', async () => {
    const view = await openAt({ kind: 'no-data' });
    await view.page.getByRole('button', { name: 'Choose data…' }).click();
    await view.waitForTell('choose-data');
  });

  it('shows weights in Restricted Mode, and leads to the workspace’s trust', async () => {
    const view = await openAt({ kind: 'restricted' });
    await view.page.getByRole('heading', { name: 'Weights in' }).waitFor();
    await view.page.getByRole('button', { name: 'Manage workspace trust' }).click();
    await view.waitForTell('manage-trust');
  });

  it('offers to compute with how long it takes and how that is known', async () => {
    const view = await openAt(offered);
    await view.page.getByText('Estimated from conv1[3], measured on the same data.').waitFor();
    await view.page.getByRole('button', { name: 'Compute (≈ 4 s)' }).click();
    assert.deepEqual(await view.waitForTell('measure'), { kind: 'measure', address: 'conv2[42]' });
  });

  it('offers fewer samples where all take long, and names what is measured meanwhile', async () => {
    const view = await openAt({
      ...offered,
      estimate: { durationMs: 64_000, how: { kind: 'engine', text: 'from one batch of 128 samples' } },
      quick: { limit: 400, durationMs: 2800 },
      other: 'conv1[3]',
    });
    await view.page.getByRole('button', { name: 'Compute (≈ 1 min 4 s)' }).waitFor();
    await view.page
      .getByText('Estimated from one batch of 128 samples. conv1[3] is being measured')
      .waitFor();
    await view.page.getByRole('button', { name: 'Compute on 400 samples (≈ 3 s)' }).click();
    assert.deepEqual(await view.waitForTell('measure'), {
      kind: 'measure',
      address: 'conv2[42]',
      limit: 400,
    });
  });

  it('offers to compute without a time where none is known', async () => {
    const view = await openAt({ ...offered, estimate: null });
    await view.page.getByRole('button', { name: 'Compute', exact: true }).waitFor();
  });

  it('says what it waits for, and can be cancelled', async () => {
    const view = await openAt({ kind: 'waiting', activity: 'Dead neurons' });
    await view.page.getByText('The engine is busy with Dead neurons; this neuron is next.').waitFor();
    await view.page.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(await view.waitForTell('cancel'), { kind: 'cancel', address: 'conv2[42]' });
  });

  it('shows progress with what is known so far, and can be cancelled', async () => {
    const view = await openAt({
      kind: 'measuring',
      fractionDone: 0,
      message: '',
      estimate: offered.estimate,
    });
    await view.page.getByText('≈ 4 s. Estimated from conv1[3]').waitFor();
    const message = '4,000 of 10,000 samples';
    await view.show({
      kind: 'measurement',
      state: { kind: 'measuring', fractionDone: 0.4, message, estimate: null },
    });
    const partial = convProfile({ sampleCount: 4000, topExamples: [], randomExamples: [] });
    await view.show({ kind: 'profile', shown: shownProfile(partial, { isPartial: true }) });
    await view.page.getByText('So far: 4,000 of 10,000 samples of test.inspect.json').waitFor();
    assert.equal(await view.page.getByRole('progressbar').getAttribute('aria-valuenow'), '40');
    assert.equal(
      await view.page.getByText('Top examples').count(),
      0,
      'examples come last, none are missing',
    );
    await view.page.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(await view.waitForTell('cancel'), { kind: 'cancel', address: 'conv2[42]' });
  });

  it('says that it was cancelled, and computes again', async () => {
    const view = await openAt({ kind: 'cancelled', estimate: null });
    await view.page.getByText('Nothing was measured.').waitFor();
    await view.page.getByRole('button', { name: 'Compute' }).click();
    await view.waitForTell('measure');
  });

  it('says at once what failed, and offers what may help', async () => {
    const message = 'test.csv has 3 columns, and the input x takes 4.';
    const view = await openAt({
      kind: 'failed',
      message,
      remedies: ['choose-data', 'try-again', 'show-log'],
    });
    await view.page.getByRole('alert').waitFor();
    await view.page.getByText(message).waitFor();
    await view.page.getByRole('button', { name: 'Try again' }).click();
    await view.waitForTell('measure');
    await view.page.getByRole('button', { name: 'Show output' }).click();
    await view.waitForTell('show-log');
    await view.page.getByRole('button', { name: 'Choose data…' }).click();
    await view.waitForTell('choose-data');
  });

  it('says why a neuron in a body cannot be measured', async () => {
    const view = await openAt({ kind: 'in-body' });
    await view.page.getByText(/inside an If, Loop or Scan body or a function/).waitFor();
    assert.equal(await view.page.getByRole('button', { name: /Compute/ }).count(), 0);
  });

  it('says of a neuron that is not judged why, and leads to the next activation', async () => {
    const states = { kind: 'not-judged', reason: 'feeds an Add', next: 'relu5[42]' } as const;
    const view = await open([placeShown({ states }), nothingMeasured]);
    await view.page.getByText('No state is judged: feeds an Add. The next activation is').waitFor();
    await view.page.getByRole('button', { name: 'relu5[42]' }).click();
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: 'relu5[42]' });
  });

  it('says of a bad address what is wrong and where to go', async () => {
    const view = await open([placeShown(), problem(['conv2[42]', 'conv1[15]'])]);
    await view.page.getByRole('alert').waitFor();
    await view.page.getByText('This model has no layer "cnov2".').waitFor();
    await view.page.getByRole('button', { name: 'Go to conv1[15]' }).click();
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: 'conv1[15]' });
    await view.page.getByRole('button', { name: 'Back to conv2[42]' }).click();
    await view.waitForTell('travel');
    await view.page.keyboard.press('j');
    assert.equal(
      view.tells().some(({ kind }) => kind === 'step'),
      false,
    );
  });
});

function problem(suggestions: readonly string[]): NeuronShow {
  const { modelName } = neuronPlace();
  return {
    kind: 'problem',
    problem: {
      address: 'cnov2[42]',
      modelName,
      kind: 'unknown',
      message: 'This model has no layer "cnov2". Did you mean "conv2"?',
      suggestions,
    },
    model: 'file:///models/digits-cnn.onnx',
    trail: { addresses: ['conv2[42]', 'cnov2[42]'], index: 1 },
  };
}
