import assert from 'node:assert/strict';
import type { ChartBlock } from '../../src/protocol/blocks.js';
import { hostileName, reportWithEveryBlock } from '../support/everyBlock.js';
import { everyAction, openBlocks, openReport, shownText } from '../support/reportPage.js';

const bars: ChartBlock = {
  type: 'chart',
  title: 'Dead share',
  alt: 'Two bars.',
  spec: {
    data: {
      values: [
        { layer: 'fc1', share: 0.25 },
        { layer: 'fc2', share: 0.75 },
      ],
    },
    mark: 'bar',
    encoding: {
      y: { field: 'layer', type: 'nominal', title: null },
      x: { field: 'share', type: 'quantitative', scale: { domain: [0, 1] } },
    },
  },
  table: {
    columns: [
      { key: 'layer', label: 'Layer', kind: 'address' },
      { key: 'share', label: 'Share', kind: 'percent' },
    ],
    rows: [
      { layer: 'fc1', share: 0.25 },
      { layer: 'fc2', share: 0.75 },
    ],
  },
};

describe('the report page', () => {
  it('shows every block with its content, hostile names as text, and nothing remote', async () => {
    const view = await openReport(reportWithEveryBlock());
    const { page } = view;
    await page.locator('ni-chart .drawing svg').waitFor();
    const text = await shownText(page.locator('main'));
    // Head: question, model, answer, what it rests on, warnings.
    assert.match(text, /^Which units never fire\? · tiny\n12 of 64 units never fire on 100 samples\./);
    for (const fact of ['partial', '100 samples (NPZ)', 'cpu', 'batch 16', 'seed 0', '1.5 s']) {
      assert.ok(text.includes(fact), `${fact} is missing`);
    }
    assert.ok(
      text.includes(`Name ${hostileName.replace('\u001b', '')}`) || text.includes(`Name ${hostileName}`),
    );
    // markdown
    assert.equal(await page.locator('ni-markdown-block strong').first().innerText(), 'bold');
    assert.ok(text.includes('<script>alert(1)</script>'));
    // metrics
    assert.match(text, /Dead share\n18\.8 %\nmeasured on all 100 samples/);
    // findings
    assert.match(text, /Error\s+fc1\[3\] is dead\.\s+Try: Lower the learning rate\./);
    // table
    assert.equal(await page.getByRole('grid', { name: 'Layers' }).getByRole('row').count(), 4);
    // tree, warning, citation, unknown
    assert.equal(await page.getByRole('treeitem').count(), 2);
    assert.match(text, /model\nfc1\n64 units/);
    assert.match(text, /The scale looks wrong\.\s+Divide by 255\./);
    assert.equal(await page.getByRole('link', { name: 'Dying ReLU and Initialization' }).count(), 1);
    assert.match(text, /A hologram of the loss\. \(A part of kind “hologram”/);
    // Hostile markup made no element of its own: pictures are those of the blocks alone.
    assert.equal(await page.locator('main script, main [onerror]').count(), 0);
    assert.equal(await page.locator('main img').count(), 4);
  });

  it('draws the values of a heat map in the colours of its legend, over the input', async () => {
    const { page } = await openReport(reportWithEveryBlock(), { theme: 'high-contrast' });
    const map = page.locator('ni-heat-map').first();
    // This theme has no orange, so the scale is ours: 1 and -1 at the ends, 0 clear, NaN magenta.
    const pixels = await map.locator('canvas').evaluate((canvas) => {
      const context = (canvas as HTMLCanvasElement).getContext('2d');
      return Array.from(context?.getImageData(0, 0, 2, 2).data ?? []);
    });
    const pixel = (index: number): number[] => pixels.slice(index * 4, index * 4 + 4);
    assert.deepEqual(pixel(0).map(near(224, 92, 20, 235)), [true, true, true, true]);
    assert.deepEqual(pixel(1).map(near(30, 110, 216, 235)), [true, true, true, true]);
    assert.equal(pixel(2)[3], 0);
    assert.deepEqual(pixel(3), [214, 0, 196, 255]);
    assert.match(await shownText(page.locator('ni-overlay-block')), /^−1\s+\+1\s+not a number/);
  });

  it('tells the value of a pixel by pointer and by arrow keys, and fades the heat', async () => {
    const { page } = await openReport(reportWithEveryBlock());
    const map = page.getByRole('img', { name: 'Heat map: row 0' });
    await map.hover({ position: { x: 10, y: 10 } });
    await page.getByText('row 0 · x 0, y 0: 1', { exact: true }).waitFor();
    await map.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.getByText('row 0 · x 1, y 1: NaN', { exact: true }).waitFor();
    await page.getByLabel('Opacity').fill('25');
    const opacity = await map.locator('canvas').evaluate((canvas) => getComputedStyle(canvas).opacity);
    assert.equal(opacity, '0.25');
  });

  it('tells the value of a token by keyboard', async () => {
    const { page } = await openReport(reportWithEveryBlock());
    const text = page.getByRole('list', { name: 'Tokens' });
    assert.equal(await text.innerText(), 'Lily <b>');
    await text.getByRole('listitem').first().focus();
    await page.getByText('“Lily” 0.9').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByText('“<b>” −0.4').waitFor();
  });

  it('opens a tree by keyboard as the editor does, and follows its addresses', async () => {
    const view = await openBlocks([
      {
        type: 'tree',
        title: 'Layers',
        root: {
          label: 'model',
          children: [
            { label: 'block', children: [{ label: 'norm' }, { label: 'fc1', address: 'block.fc1' }] },
            { label: 'head' },
          ],
        },
      },
    ]);
    const { page } = view;
    const item = (name: string): ReturnType<typeof page.getByRole> => page.getByRole('treeitem', { name });
    await item('model').focus();
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.getByRole('treeitem').count(), 1);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: 'block.fc1' });
    assert.equal(await item('fc1').getAttribute('aria-level'), '3');
    assert.equal(await item('fc1').getAttribute('aria-posinset'), '2');
  });

  it('opens only web addresses over https, through the host', async () => {
    const view = await openBlocks(
      [
        {
          type: 'markdown',
          text: '[safe](https://example.org/a) [bad](javascript:alert(1)) [plain](http://x.org)',
        },
        { type: 'citation', papers: ['good', 'bad'] },
      ],
      {
        report: {
          papers: [
            { id: 'good', title: 'A paper', url: 'https://arxiv.org/abs/1' },
            { id: 'bad', title: 'No paper', url: 'javascript:alert(1)' },
          ],
        },
      },
    );
    const { page } = view;
    assert.equal(await page.locator('main').getByRole('link').count(), 2);
    await page.getByRole('link', { name: 'safe' }).click();
    assert.deepEqual(await view.waitForTell('open-url'), { kind: 'open-url', url: 'https://example.org/a' });
    await page.getByRole('link', { name: 'A paper' }).click();
    assert.deepEqual(view.tells().at(-1), { kind: 'open-url', url: 'https://arxiv.org/abs/1' });
    assert.equal(page.url(), 'https://view.vscode-webview.net/index.html');
  });

  it('shows pictures that are files beside the report, and none from elsewhere', async () => {
    const image = (source: string): { source: string; width: number; height: number; alt: string } => ({
      source,
      width: 4,
      height: 2,
      alt: `picture ${source}`,
    });
    const sources = ['../secret.png', 'https://example.org/x.png', 'C:\\x.png', 'notes.txt', '/etc/x.png'];
    const view = await openBlocks([{ type: 'image-grid', images: sources.map(image) }], {});
    await view.page.locator('ni-picture').first().waitFor();
    const text = await shownText(view.page.locator('main'));
    for (const source of sources) {
      assert.ok(text.includes(`picture ${source} (the picture is not with the report)`), source);
    }
    assert.equal(await view.page.locator('main img').count(), 0);
  });

  it('tells every action of its toolbar', async () => {
    const view = await openReport(reportWithEveryBlock());
    const buttons = view.page.getByRole('toolbar').getByRole('button');
    assert.equal(await buttons.count(), everyAction.length);
    for (let index = 0; index < everyAction.length; index++) await buttons.nth(index).click();
    assert.deepEqual(
      view.tells(),
      everyAction.map((action) => ({ kind: 'act', action })),
    );
  });
});

describe('a chart of a report', () => {
  it('has a name for screen readers, and a table with the same data', async () => {
    const { page } = await openBlocks([bars]);
    const chart = page.getByRole('img', { name: 'Dead share. Two bars.' });
    await chart.locator('svg').waitFor();
    // Bar lengths are as the shares are: 1 : 3.
    const widths = await chart
      .locator('.mark-rect path')
      .evaluateAll((paths) => paths.map((path) => (path as SVGPathElement).getBBox().width));
    assert.equal(widths.length, 2);
    assert.ok(Math.abs((widths[1] ?? 0) / (widths[0] ?? 1) - 3) < 0.01, String(widths));
    await page.getByRole('button', { name: 'Show as table' }).click();
    const cells = await page.getByRole('gridcell').allInnerTexts();
    assert.deepEqual(cells, ['fc1', '25.0 %', 'fc2', '75.0 %']);
    await page.getByRole('button', { name: 'Show as chart' }).click();
    await chart.locator('svg').waitFor();
  });

  it('leads from a mark to its neuron or layer', async () => {
    const view = await openBlocks([bars]);
    const marks = view.page.locator('ni-chart .mark-rect path');
    await marks.nth(1).click();
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: 'fc2' });
  });

  it('follows the theme and the width of the page', async () => {
    const view = await openBlocks([bars], { theme: 'light', width: 1000 });
    const fill = (): Promise<string | null> =>
      view.page.locator('ni-chart .mark-rect path').first().getAttribute('fill');
    const width = async (): Promise<number> =>
      (await view.page.locator('ni-chart svg').boundingBox())?.width ?? 0;
    await view.page.locator('ni-chart svg').waitFor();
    assert.equal(await fill(), '#0063d3');
    const wide = await width();
    await view.setTheme('dark');
    await view.page.locator('ni-chart .mark-rect path[fill="#59a4f9"]').first().waitFor();
    await view.resize(500);
    await view.page.waitForFunction((before) => {
      const chart = document.querySelector('ni-chart-block')?.shadowRoot?.querySelector('ni-chart');
      return (chart?.shadowRoot?.querySelector('svg')?.getBoundingClientRect().width ?? before) < before;
    }, wide);
    assert.ok((await width()) <= 500);
  });

  it('shows its table when it cannot be drawn or wants to load something', async () => {
    const view = await openBlocks([
      { ...bars, title: 'Broken', spec: { mark: 'no such mark', data: { values: [] } } },
      { ...bars, title: 'Remote', spec: { ...bars.spec, data: { url: 'https://example.org/data.json' } } },
    ]);
    await view.page.getByText('The chart could not be drawn; its data follows.').first().waitFor();
    assert.equal(await view.page.getByRole('grid', { name: 'Broken' }).getByRole('row').count(), 3);
  });
});

function near(...expected: readonly number[]): (value: number, index: number) => boolean {
  // Pixels are kept multiplied by their opacity, which costs a step or two.
  return (value, index) => Math.abs(value - (expected[index] ?? Number.NaN)) <= 2;
}
