import assert from 'node:assert/strict';
import type {
  KnownRole,
  NeuronProtocol,
  NeuronShow,
  RoleState,
} from '../../src/protocol/views/neuronMessages.js';
import type { UnitLinks, UnitProfile, UnitWeights } from '../../src/protocol/units.js';
import { convProfile, convWeights, placeShown, shownProfile, textExample } from '../support/plantedNeuron.js';
import { openView, type WebviewPage } from '../support/webviewPage.js';

// The panels of the neuron page: distribution, examples, weights.

function open(
  profile: UnitProfile = convProfile(),
  weights: UnitWeights = convWeights(),
): Promise<WebviewPage<NeuronProtocol>> {
  const shows: readonly NeuronShow[] = [
    placeShown(),
    { kind: 'facts', facts: null },
    { kind: 'profile', shown: shownProfile(profile) },
    { kind: 'measurement', state: { kind: 'done' } },
    { kind: 'weights', state: { kind: 'read', weights } },
  ];
  return openView<NeuronProtocol>('neuron', { shows });
}

describe('the distribution of a neuron', () => {
  it('has titles on its axes and says in words what it shows', async () => {
    const { page } = await open();
    const chart = page.getByRole('img', {
      name: /^Outputs of relu2\[42\]\. 32 bins from 0 to 7\.91; the fullest is 0 to 0\.247: 1,700,000/,
    });
    await chart.waitFor();
    assert.equal(await chart.getByText('output', { exact: true }).count(), 1);
    // The zeros drown the rest.
    assert.equal(await chart.getByText('outputs, logarithmic').count(), 1);
    await page.getByRole('img', { name: /^What enters the activation of relu2\[42\]/ }).waitFor();
  });

  it('draws as many bars as bins, as high as their counts', async () => {
    const evidence = { kind: 'measured', n: 10 } as const;
    const histogram = { edges: [0, 1, 2, 3], counts: [40, 20, 0], evidence };
    const view = await open(withoutBefore({ histogram }));
    const bars = view.page.getByRole('img', { name: /^Outputs of/ }).locator('.bar');
    await bars.first().waitFor();
    const heights = await bars.evaluateAll((all) => all.map((bar) => Number(bar.getAttribute('height'))));
    assert.equal(heights[0], 2 * (heights[1] ?? 0));
    assert.equal(heights[2], 0);
  });

  it('is a table on request', async () => {
    const evidence = { kind: 'measured', n: 10 } as const;
    const histogram = { edges: [0, 0.5, 1], counts: [3, 1], evidence };
    const { page } = await open(withoutBefore({ histogram }));
    await page.getByRole('button', { name: 'Show as table' }).first().click();
    const rows = page.getByRole('grid', { name: 'Outputs of relu2[42]' }).getByRole('row');
    assert.equal(await rows.count(), 3);
    assert.match((await rows.nth(1).textContent()) ?? '', /0\s*0\.5\s*3\s*75\.0 %/);
    await page.getByRole('button', { name: 'Show as chart' }).first().click();
    await page.getByRole('img', { name: /^Outputs of/ }).waitFor();
  });

  it('says of equal outputs that they are equal, and of none that there is none', async () => {
    const evidence = { kind: 'measured', n: 10 } as const;
    const view = await open(withoutBefore({ histogram: { edges: [-0.5, 0.5], counts: [10_000], evidence } }));
    await view.page.getByText('All 10,000 outputs are 0.').waitFor();
    const profile = withoutBefore({ maximum: 'NaN', histogram: { edges: [], counts: [], evidence } });
    await view.show({ kind: 'profile', shown: shownProfile(profile) });
    await view.page.getByText('There is no finite number to count.').waitFor();
    await view.page.getByText('max NaN').first().waitFor();
  });

  it('offers the rest of the samples where only some were measured', async () => {
    const evidence = { kind: 'sampled', n: 500 } as const;
    const view = await open(
      convProfile({ sampleCount: 500, sampleTotal: 10_000, evidence, durationMs: 3000 }),
    );
    await view.page.getByText('measured on 500 samples · mean').waitFor();
    await view.page.getByRole('button', { name: 'Compute on all 10,000 (≈ 1 min 0 s)' }).click();
    assert.deepEqual(await view.waitForTell('measure'), { kind: 'measure', address: 'conv2[42]' });
  });
});

describe('the examples of a neuron', () => {
  it('have the picture, the value, where it is, and the label', async () => {
    const { page } = await open();
    await page.getByRole('heading', { name: 'Top 6 examples' }).waitFor();
    await page
      .getByRole('button', { name: /^Example 3 of 6: 7\.69 at 6, 10 label 2 · test\/00002\.png$/ })
      .waitFor();
    await page.getByRole('heading', { name: '6 random examples seed 0' }).waitFor();
  });

  it('are one stop of the Tab key, walked by arrow keys', async () => {
    const { page } = await open(convProfile({}, 12));
    const examples = page.getByRole('list', { name: 'Samples with the largest outputs, largest first' });
    await examples.getByRole('button').first().waitFor();
    assert.equal(await examples.locator('button[tabindex="0"]').count(), 1);
    await examples.getByRole('button').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    const tops = await examples
      .getByRole('button')
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
    const perRow = tops.filter((top) => top === tops[0]).length;
    const focused = examples.locator('button:focus');
    assert.match((await focused.textContent()) ?? '', new RegExp(`Example ${perRow + 2} of 12`));
    await page.keyboard.press('End');
    assert.match((await focused.textContent()) ?? '', /Example 12 of 12/);
  });

  it('fade their maps together', async () => {
    const { page } = await open();
    await page.getByLabel('Opacity of the maps').fill('30');
    const opacities = await page
      .locator('ni-heat-map canvas.over')
      .evaluateAll((all) => [...new Set(all.map((canvas) => getComputedStyle(canvas).opacity))]);
    assert.deepEqual(opacities, ['0.3']);
  });

  it('are enlarged by Enter with their values, until Escape', async () => {
    const view = await open();
    const { page } = view;
    const tile = page.getByRole('button', { name: /^Example 2 of 6: 7\.8 at 3, 5/ });
    await tile.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'test/00001.png' });
    await dialog.getByText('7.8 at 3, 5').waitFor();
    await dialog.getByRole('img').first().focus();
    await page.keyboard.press('ArrowRight');
    await dialog.getByText(/^x 0, y 0: /).waitFor();
    await view.expectNoAxeViolations();
    await page.keyboard.press('j');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.deepEqual(view.tells(), []);
    assert.equal(await tile.evaluate((button) => button.matches(':focus')), true);
  });

  it('are text where the data are no pictures', async () => {
    const texts = [0, 1, 2].map((index) => textExample(index, 2 - index / 2));
    const { page } = await open(convProfile({ topExamples: texts, randomExamples: [] }));
    await page.getByText('active on 12.4 % of 10,000 samples').first().waitFor();
    await page.getByText('mean radius 14.0, mean texture').waitFor();
    await page
      .getByRole('button', { name: /^Example 1 of 3: mean radius 14\.0, .* 2 benign · row 0$/ })
      .waitFor();
    assert.equal(await page.getByLabel('Opacity of the maps').count(), 0);
    assert.equal(await page.getByText('random examples').count(), 0);
  });

  it('are tokens in context where the data are text, each on the colour of the output there', async () => {
    const stretch = {
      start: 3,
      tokens: [
        { text: ' there', value: 0 },
        { text: ' was', value: 1.5 },
        { text: ' a', value: -0.75 },
      ],
      length: 64,
    };
    const example = { ...textExample(0, 1.5), position: [4], stretch };
    const view = await open(convProfile({ topExamples: [example], randomExamples: [] }));
    const { page } = view;
    const tile = page.getByRole('button', {
      name: /^Example 1 of 1: “there was a” 1\.5 at 4 benign · row 0$/,
    });
    const pieces = tile.locator('.piece');
    assert.deepEqual(await pieces.allTextContents(), [' there', ' was', ' a']);
    const colours = await pieces.evaluateAll((all) =>
      all.map((one) => getComputedStyle(one).backgroundColor),
    );
    assert.equal(new Set(colours).size, 3);
    assert.equal(await tile.locator('.largest').textContent(), ' was');
    assert.equal(await tile.locator('.cut').count(), 2);
    await tile.click();
    await page.getByRole('dialog').getByTitle('−0.75 at 5').waitFor();
    await view.expectNoAxeViolations();
  });

  it('are missing for a dead neuron, and the page says why and how far it is from firing', async () => {
    const evidence = { kind: 'measured', n: 10_000 } as const;
    const { page } = await open(
      convProfile({
        state: 'dead',
        stateMeaning: 'Never active on any sample.',
        activeSampleCount: 0,
        activeFraction: 0,
        maximum: 0,
        topExamples: [],
        before: {
          maximum: -0.312,
          minimum: -9,
          mean: -3,
          standardDeviation: 1,
          histogram: { edges: [-9, -4, -0.312], counts: [3, 7], evidence },
        },
      }),
    );
    await page.getByText('active on 0 of 10,000 images · max 0 · dead').first().waitFor();
    await page.getByText('active on less than 0.03 % of such samples, at 95 % confidence').waitFor();
    await page.getByText('What enters its activation never exceeds −0.312.').waitFor();
    await page.getByText('None of the 10,000 samples makes it fire').waitFor();
  });
});

describe('the weights of a neuron', () => {
  it('say how many, how large, what rank, what bias', async () => {
    const { page } = await open();
    await page.getByText('144 weights (16 × 3 × 3) of conv2').waitFor();
    await page.getByText('norm 3.46, rank 5 of 64').waitFor();
    await page.getByText('bias −0.123').waitFor();
    await page.getByText('54.9 % positive').waitFor();
  });

  it('lead to the neurons they come from, largest first', async () => {
    const view = await open();
    const rows = view.page.getByRole('table').getByRole('row');
    const first = convWeights().largest[0]?.from ?? '';
    await rows.nth(1).getByRole('button', { name: first }).click();
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: first });
  });

  it('are no links where they come from an input', async () => {
    const dense = withoutKernels({
      dims: [784],
      count: 784,
      bias: null,
      largest: [{ from: 'image[17]', value: -0.5 }],
    });
    const { page } = await open(convProfile(), dense);
    await page.getByText('Largest 1 of 784 inputs').waitFor();
    await page.getByText('no bias').waitFor();
    const row = page.getByRole('table').getByRole('row').nth(1);
    assert.match((await row.textContent()) ?? '', /image\[17\]\s*−0\.5/);
    assert.equal(await row.getByRole('button').count(), 0);
    assert.equal(await page.getByRole('heading', { name: 'Kernels' }).count(), 0);
  });

  it('are pictures for a convolution, and can be enlarged', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: /^Kernel of relu1\[3\]: 3 × 3, from / }).click();
    await page.getByRole('dialog', { name: 'Kernel of relu1[3]' }).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  });

  it('are few of many where a layer has more inputs than can be shown', async () => {
    const { page } = await open(convProfile(), convWeights({ dims: [512, 3, 3], count: 4608 }));
    await page.getByRole('heading', { name: 'Kernels of the first 16 of 512 inputs' }).waitFor();
  });

  it('say why there are none', async () => {
    const view = await open();
    await view.show({ kind: 'weights', state: { kind: 'none', reason: 'relu2 has no weights of its own.' } });
    await view.page.getByText('relu2 has no weights of its own.').waitFor();
  });
});

function withoutBefore(given: Partial<UnitProfile>): UnitProfile {
  const { before, ...profile } = convProfile(given);
  assert.ok(before);
  return profile;
}

function withoutKernels(given: Partial<UnitWeights>): UnitWeights {
  const { kernels, ...weights } = convWeights(given);
  assert.ok(kernels);
  return weights;
}

describe('where a neuron leads', () => {
  const strongest = [
    { from: 'conv3[7]', address: 'conv3[7]', value: 2.5 },
    { from: 'conv3[1]', address: 'conv3[1]', value: -1.25 },
  ];
  const target = {
    layer: 'conv3',
    through: ['bn2', 'relu2'],
    unitCount: 32,
    weightsEach: 9,
    norm: 3,
    strongest,
  };
  const links: UnitLinks = {
    ...{ address: 'conv2[42]', targets: [target], outputs: [], ends: ['Softmax'], moreReaderCount: 0 },
    similar: [{ address: 'conv2[9]', cosine: 0.91 }],
    whyNoSimilar: null,
  };
  const known: KnownRole = {
    sentence: 'Without relu2[42] (at 0) the accuracy goes from 98.7 % to 98.1 %; it is read by conv3.',
    evidence: 'measured on all 4,000 samples',
    like: [{ address: 'conv2[11]', correlation: 0.87 }],
    ...{ resultId: 'result-9', createdAt: '2026-01-02T03:04:05Z', isStale: true },
  };
  const role = (state: RoleState): NeuronShow => ({ kind: 'role', state });

  it('and which are like it are links; what the model loses without it is measured on a click, with progress and a way to stop', async () => {
    const view = await open();
    await view.show({ kind: 'links', state: { kind: 'read', links } });
    await view.show(role({ kind: 'idle', known: null, failure: null, dataName: 'test.inspect.json' }));
    const { page } = view;
    await page.getByText('strongest 2 of 32 · through bn2, relu2').waitFor();
    await page.getByText('It is also taken by Softmax').waitFor();
    for (const address of ['conv3[7]', 'conv2[9]']) {
      await page.getByRole('button', { name: address }).click();
      assert.deepEqual(view.tells().at(-1), { kind: 'open-address', address });
    }
    await page.getByRole('button', { name: 'Measure on test.inspect.json' }).click();
    assert.deepEqual(await view.waitForTell('measure-role'), { kind: 'measure-role', address: 'conv2[42]' });
    await view.show(role({ kind: 'running', fractionDone: 0.4, message: 'Scoring the model' }));
    await page.getByRole('button', { name: 'Cancel' }).click();
    await view.waitForTell('cancel-role');
    await view.show(role({ kind: 'idle', known, failure: null, dataName: 'test.inspect.json' }));
    await page.getByText('goes from 98.7 % to 98.1 %').waitFor();
    await page
      .getByText('measured on all 4,000 samples')
      .and(page.getByText('the model changed since'))
      .waitFor();
    await page.getByRole('button', { name: 'conv2[11]' }).click();
    assert.deepEqual(view.tells().at(-1), { kind: 'open-address', address: 'conv2[11]' });
    await page.locator('.role').getByRole('button', { name: 'Open report' }).click();
    assert.deepEqual(await view.waitForTell('open-result'), { kind: 'open-result', resultId: 'result-9' });
    await view.expectNoAxeViolations();
  });

  it('to which tokens of a language model is shown beside it, those that cannot be read by their ids', async () => {
    const view = await open();
    const tokens = {
      ...{ address: 'conv2[42]', layer: 'fc2', isHead: false, normWithoutGain: 'norm' },
      raised: [{ id: 7, text: ' the', effect: 0.5 }],
      lowered: [{ id: 243, text: '\uFFFD', effect: -0.25 }],
    };
    await view.show({ kind: 'tokens', state: { kind: 'read', tokens } });
    const { page } = view;
    const written = page.locator('.written');
    await written.getByText('What 1 more of relu2[42] adds to the scores of tokens, by fc2').waitFor();
    await written.getByText('without the gain of norm').waitFor();
    await written.getByRole('row', { name: '␣the 0.5' }).waitFor();
    await written.getByRole('row', { name: '\uFFFD #243 −0.25' }).waitFor();
    await view.expectNoAxeViolations();
    await view.show({ kind: 'tokens', state: { kind: 'failed', message: 'The engine was lost.' } });
    await written.getByText('The engine was lost.').waitFor();
    await view.show({ kind: 'tokens', state: { kind: 'none' } });
    await written.waitFor({ state: 'detached' });
  });

  it('is said in words where nothing reads it by weights, and where there are no data', async () => {
    const view = await open();
    const none: UnitLinks = {
      ...links,
      targets: [],
      ends: ['attention'],
      similar: [],
      whyNoSimilar: 'No weights.',
    };
    await view.show({ kind: 'links', state: { kind: 'read', links: none } });
    await view.show(role({ kind: 'idle', known: null, failure: 'It failed.', dataName: null }));
    await view.page.getByText('No weights of its own read it: it is taken by attention.').waitFor();
    await view.page.getByText('It takes data to measure what the model loses without it.').waitFor();
    await view.page.getByText('It failed.').waitFor();
  });
});
