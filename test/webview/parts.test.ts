import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import type { AudioBlock, Block } from '../../src/protocol/blocks.js';
import type { FollowUp, Parts } from '../../src/protocol/parts.js';
import type { FollowUpTell } from '../../src/protocol/views/reportMessages.js';
import { toHtml } from '../../src/runs/export/html.js';
import { openChromium } from '../support/chromium.js';
import { reportWithEveryBlock } from '../support/everyBlock.js';
import { makeReport } from '../support/makeReport.js';
import { rootDir } from '../support/paths.js';
import { openReport } from '../support/reportPage.js';

const carriers: FollowUp = {
  id: 'carriers',
  label: 'Which neurons carry it?',
  takes: 'part',
  settings: { method: 'deeplift-rescale' },
  choice: { setting: 'layer', label: 'In layer', values: ['conv1', 'fc1'], value: 'fc1' },
};
const share: FollowUp = { id: 'neuron', label: 'What drives it?', takes: 'neuron', settings: {} };

function partsOf(noun: string, sizes: number[], itemCount = 1): { readonly parts: Parts } {
  const items = Array.from({ length: itemCount }, (_, row) => ({ rows: String(row + 4) }));
  return { parts: { noun, followUps: ['carriers'], sizes, items } };
}

const map = (caption: string) => ({ width: 3, height: 2, values: [0, 1, 2, 3, 4, 5], caption });
const overlay: Block = {
  type: 'overlay',
  items: [map('row 4'), map('row 5')],
  scale: 'diverging',
  limit: 5,
  // Twice as many pixels as are drawn along each axis.
  ...partsOf('pixel', [4, 6], 2),
};
const tokens: Block = {
  type: 'tokens',
  tokens: ['Once', ' upon', ' a'].map((text, index) => ({ text, value: index / 2 })),
  scale: 'diverging',
  limit: 1,
  ...partsOf('token', [3]),
};
const sound = reportWithEveryBlock().blocks.find(({ type }) => type === 'audio') as AudioBlock;
// Eight pieces of 800 frames.
const audio: Block = { ...sound, ...partsOf('piece', [800]) };
const bars = [
  { feature: 'height = 3', part: '2', share: 0.5 },
  { feature: 'width = 1', part: '0', share: -0.25 },
  { feature: 'the other 4', share: 0.1 },
];
const chart: Block = {
  type: 'chart',
  title: 'Shares',
  spec: {
    height: 120,
    data: { values: bars },
    mark: 'bar',
    encoding: {
      y: { field: 'feature', type: 'nominal', sort: null },
      x: { field: 'share', type: 'quantitative' },
    },
  },
  table: {
    columns: [
      { key: 'feature', label: 'Feature', kind: 'text' },
      { key: 'share', label: 'Share', kind: 'number' },
    ],
    rows: bars,
  },
  parts: { noun: 'feature', followUps: ['carriers'], key: 'part', items: [{ rows: '4' }] },
};
const neurons: Block = {
  type: 'table',
  title: 'Neurons',
  columns: [
    { key: 'neuron', label: 'Neuron', kind: 'address' },
    { key: 'share', label: 'Share', kind: 'number' },
  ],
  rows: [
    { neuron: 'fc1[7]', share: 0.5 },
    { neuron: 'fc1[2]', share: 0.25 },
  ],
  parts: { noun: 'neuron', followUps: ['neuron'], key: 'neuron', items: [{}] },
};

// The same two features in three rows.
const points = ['0', '2'].flatMap((part) =>
  [0, 1, 2].map((item) => ({ feature: `f${part}`, row: `row ${String(item)}`, part, item, score: item / 4 })),
);
const swarm: Block = {
  type: 'chart',
  title: 'Row by row',
  spec: {
    height: 120,
    data: { values: points },
    mark: { type: 'point', filled: true, size: 60 },
    encoding: { y: { field: 'feature', type: 'nominal' }, x: { field: 'score', type: 'quantitative' } },
  },
  table: {
    columns: [
      { key: 'feature', label: 'Feature', kind: 'text' },
      { key: 'row', label: 'Row', kind: 'text' },
      { key: 'score', label: 'Score', kind: 'number' },
    ],
    rows: points,
  },
  parts: {
    ...{ noun: 'feature', followUps: ['carriers'], key: 'part', itemKey: 'item' },
    items: [{ rows: '4' }, { rows: '5' }, { rows: '6' }],
  },
};
const pair: Block = {
  type: 'compare',
  items: [
    {
      ...{ width: 3, height: 2, caption: 'row 4' },
      sides: [
        { label: 'Gradient', values: [0, 1, 2, 3, 4, 5] },
        { label: 'SmoothGrad', values: [5, 4, 3, 2, 1, 0] },
      ],
    },
  ],
  scale: 'diverging',
  limit: 5,
  ...{
    parts: { noun: 'pixel', followUps: ['0:carriers', '1:carriers'], sizes: [4, 6], items: [{ rows: '4' }] },
  },
};
const ofSides: FollowUp[] = ([0, 1] as const).map((side) => ({
  ...carriers,
  id: `${String(side)}:carriers`,
  side,
}));

const open = (blocks: Block[], setup: Parameters<typeof openReport>[1] = {}) =>
  openReport(makeReport({ blocks, followUps: [carriers, share] }), setup);

type View = Awaited<ReturnType<typeof open>>;

const panelOf = (page: Page): Locator => page.getByRole('dialog');

/** Asks what the panel offers first and returns what the host was told. */
async function asked(view: View): Promise<FollowUpTell> {
  const before = view.tells().length;
  await panelOf(view.page).locator('vscode-button').first().click();
  while (view.tells().length === before) await view.page.waitForTimeout(10);
  return view.waitForTell('follow-up');
}

/** Opens an exported page, which has no engine. */
async function openExported(blocks: Block[]): Promise<Page> {
  const report = makeReport({ blocks, followUps: [carriers, share] });
  const script = readFileSync(join(rootDir, 'dist', 'webview', 'exported.js'), 'utf8');
  const page = await (await openChromium()).newPage();
  page.setDefaultTimeout(8000);
  await page.setContent(await toHtml(report, '.', script));
  return page;
}

describe('pieces of a report', () => {
  it('are pixels, picked with the mouse: marked, named by the positions they stand for, asked in a chosen layer', async () => {
    const view = await open([overlay]);
    const stack = view.page.locator('ni-heat-map .stack').nth(1);
    const box = (await stack.boundingBox())!;
    await view.page.mouse.click(box.x + box.width * 0.9, box.y + box.height * 0.75);
    assert.match((await panelOf(view.page).innerText()).replace(/\s+/g, ' '), /^Pixel x 2, y 1: 5 row 5/);
    assert.equal(await stack.locator('.mark').count(), 1);
    // The focus is in the panel: nothing is pointed at.
    assert.equal((await view.page.locator('ni-overlay-block [role=status]').textContent())?.trim(), '');
    await view.page.getByLabel('In layer').selectOption('conv1');
    const { settings, way } = await asked(view);
    assert.deepEqual(settings, { method: 'deeplift-rescale', rows: '5', part: '2,4,3,5', layer: 'conv1' });
    assert.equal(way, 'run');
    assert.equal(await panelOf(view.page).count(), 0);
  });

  it('are pixels, walked by arrow keys; Enter asks, Escape leads back, and the layer chosen last stays chosen', async () => {
    const view = await open([overlay]);
    const stack = view.page.locator('ni-heat-map .stack').first();
    await stack.focus();
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', 'Enter']) await view.page.keyboard.press(key);
    await view.page.getByLabel('In layer').selectOption('conv1');
    await view.page.keyboard.press('Escape');
    await view.page.keyboard.press('ArrowRight');
    await view.page.keyboard.press('Enter');
    assert.match(await panelOf(view.page).innerText(), /x 2, y 1: 5/);
    assert.equal(await view.page.getByLabel('In layer').inputValue(), 'conv1');
    const { settings } = await asked(view);
    assert.equal(settings['part'], '2,4,3,5');
  });

  it('are tokens, pieces of sound and features, by the same keys', async () => {
    const view = await open([tokens, audio, chart]);
    await view.page.locator('ni-tokens-block span[tabindex="0"]').focus();
    for (const key of ['ArrowRight', 'Enter']) await view.page.keyboard.press(key);
    assert.match(await panelOf(view.page).innerText(), /^Token “upon” 0.5/);
    assert.equal((await asked(view)).settings['part'], '1');
    assert.equal(await view.page.locator('ni-tokens-block .marked').innerText(), ' upon');
    await view.page.locator('ni-sound .wave').focus();
    for (const key of ['ArrowRight', 'ArrowRight', 'Enter']) await view.page.keyboard.press(key);
    assert.equal((await asked(view)).settings['part'], '100,199');
    // What was picked before in another block is not marked any more.
    assert.equal(await view.page.locator('ni-tokens-block .marked').count(), 0);
    await view.page.locator('ni-chart svg').waitFor();
    await view.page.locator('ni-chart .frame').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter']) await view.page.keyboard.press(key);
    // The other features together are no part of the input.
    assert.match(await panelOf(view.page).innerText(), /^Feature width = 1 · Share −0.25/);
    assert.equal((await asked(view)).settings['part'], '0');
    assert.equal(await view.page.locator('ni-chart .mark').count(), 1);
  });

  it('are features whose bar is clicked, and nothing where a bar stands for several', async () => {
    const view = await open([chart]);
    const marks = view.page.locator('ni-chart .mark-rect path');
    await marks.nth(2).click();
    assert.equal(await panelOf(view.page).count(), 0);
    await marks.first().click();
    assert.equal((await asked(view)).settings['part'], '2');
  });

  it('are points of rows and features: the panel says of which row one is, and asks about that row', async () => {
    const view = await open([swarm]);
    const marks = view.page.locator('ni-chart .mark-symbol path');
    await marks.nth(4).click();
    const panel = (await panelOf(view.page).innerText()).replace(/\s+/g, ' ');
    assert.match(panel, /^Feature f2 · Score 0.25 Row: row 1/);
    const { settings } = await asked(view);
    assert.deepEqual([settings['part'], settings['rows']], ['2', '5']);
    assert.equal(await view.page.locator('ni-chart .mark').count(), 1);
    await view.page.locator('ni-chart .frame').focus();
    for (const key of ['ArrowDown', 'Enter']) await view.page.keyboard.press(key);
    const next = (await asked(view)).settings;
    assert.deepEqual([next['part'], next['rows']], ['2', '6']);
  });

  it('are pixels of compared maps: both values are said, and either report is asked', async () => {
    const report = makeReport({ blocks: [pair], followUps: ofSides });
    const view = await openReport(report, { content: { actions: [] } });
    const left = view.page.locator('ni-heat-map .stack').first();
    await left.focus();
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', 'Enter']) await view.page.keyboard.press(key);
    assert.match(await panelOf(view.page).innerText(), /x 1, y 1: Gradient 4 · SmoothGrad 1/);
    assert.equal(await view.page.locator('ni-compare-block .mark').count(), 2);
    await panelOf(view.page).locator('vscode-button').nth(1).click();
    const { settings, side } = await view.waitForTell('follow-up');
    assert.deepEqual([settings['part'], settings['rows'], side], ['2,2,3,3', '4', 1]);
  });

  it('are neurons: the address leads to the neuron, the share asks about it', async () => {
    const view = await open([neurons]);
    const table = view.page.getByRole('grid', { name: 'Neurons' });
    await table.getByText('fc1[2]').click();
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: 'fc1[2]' });
    await table.getByText('0.25').click();
    assert.match(await panelOf(view.page).innerText(), /^Neuron fc1\[2\] · Share 0.25/);
    assert.deepEqual((await asked(view)).settings, { neuron: 'fc1[2]' });
    assert.equal(await table.locator('.row.marked').count(), 1);
  });

  it('of a report that cannot be run again say their value and give the command to copy', async () => {
    const view = await open([tokens], { content: { actions: [] } });
    await view.page.getByText('Once', { exact: true }).click();
    assert.equal(await panelOf(view.page).locator('vscode-button').count(), 0);
    await view.page.getByRole('button', { name: 'Copy CLI command' }).click();
    assert.equal((await view.waitForTell('follow-up')).way, 'copy');
  });

  it('of an exported page say their value and give the command, by mouse and keyboard', async () => {
    const page = await openExported([overlay, tokens, neurons, swarm]);
    try {
      const command = page.locator('.part code');
      const map = (await page.locator('.stack').first().boundingBox())!;
      await page.mouse.click(map.x + map.width * 0.9, map.y + map.height * 0.25);
      assert.match((await page.locator('.part').textContent()) ?? '', /^Pixel x 2, y 0: 2row 4/);
      assert.match(
        (await command.textContent()) ?? '',
        /^neuron-inspector run .* --set method=deeplift-rescale --set rows=4 --set 'part=0,4,1,5' --set layer=fc1 --provider cpu$/,
      );
      await page.keyboard.press('Escape');
      await page.locator('.tokens span').first().focus();
      for (const key of ['ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
      assert.match((await command.textContent()) ?? '', /--set part=2 /);
      await page.keyboard.press('Escape');
      await page.locator('tr[data-part="fc1[2]"]').click();
      assert.match((await command.textContent()) ?? '', /--set 'neuron=fc1\[2\]' /);
      await page.keyboard.press('Escape');
      await page.locator('details:has(tr[data-item]) > summary').click();
      await page.locator('tr[data-part="2"][data-item="1"]').click();
      assert.match((await command.textContent()) ?? '', /--set rows=5 --set part=2 /);
    } finally {
      await page.close();
    }
  });

  for (const theme of ['light', 'dark', 'high-contrast-light', 'high-contrast'] as const) {
    it(`pass axe with the panel open in the theme ${theme}`, async () => {
      const view = await open([tokens, neurons], { theme });
      await view.page.getByText('Once', { exact: true }).click();
      await panelOf(view.page).waitFor();
      await view.expectNoAxeViolations();
    });
  }
});
