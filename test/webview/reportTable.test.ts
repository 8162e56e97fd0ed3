import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import type { TableBlock } from '../../src/protocol/blocks.js';
import { hostileName } from '../support/everyBlock.js';
import { openBlocks } from '../support/reportPage.js';

const columns: TableBlock['columns'] = [
  { key: 'neuron', label: 'Neuron', kind: 'address' },
  { key: 'state', label: 'State', kind: 'state' },
  { key: 'mean', label: 'Mean', kind: 'number', unit: 'V' },
  { key: 'dead', label: 'Dead share', kind: 'bar', description: 'Share of units that never fire.' },
];

/** Nine rows in no order: means are the digits of π, so that every order of them is known. */
const small: TableBlock = {
  type: 'table',
  title: 'Neurons',
  columns,
  rows: [3, 1, 4, 1.5, 9, 2, 6, 5.25, 0].map((mean, index) => ({
    neuron: `fc1[${index}]`,
    state: index % 3 === 0 ? 'dead' : 'active',
    mean,
    dead: index / 8,
  })),
};

function large(rowCount: number): TableBlock {
  const rows = Array.from({ length: rowCount }, (_, index) => ({
    neuron: `fc1[${index}]`,
    state: index % 1000 === 0 ? 'dead' : 'active',
    // A permutation: 7919 is prime to the number of rows.
    mean: (index * 7919) % rowCount,
    dead: index / rowCount,
  }));
  return { type: 'table', title: 'Many', columns, rows };
}

/** Texts of a column's cells, from the top of what is drawn. */
async function columnTexts(grid: Locator, column: number): Promise<string[]> {
  await grid.waitFor();
  return grid.locator(`.body .row .cell[data-column="${column}"]`).evaluateAll((cells) =>
    cells
      .map((cell) => ({ top: cell.getBoundingClientRect().top, text: cell.textContent.trim() }))
      .sort((a, b) => a.top - b.top)
      .map(({ text }) => text),
  );
}

/** Pixels from the top of the table to a cell. */
async function topOf(grid: Locator, cell: Locator): Promise<number> {
  const [outer, inner] = [await grid.boundingBox(), await cell.boundingBox()];
  assert.ok(outer !== null && inner !== null);
  return inner.y - outer.y;
}

describe('a table of a report', () => {
  it('has the roles, counts and places that screen readers read', async () => {
    const { page } = await openBlocks([small]);
    const grid = page.getByRole('grid', { name: 'Neurons' });
    assert.equal(await grid.getAttribute('aria-rowcount'), '10');
    assert.equal(await grid.getAttribute('aria-colcount'), '4');
    assert.equal(await grid.getByRole('row').count(), 10);
    assert.equal(await grid.getByRole('row').nth(1).getAttribute('aria-rowindex'), '2');
    const header = grid.getByRole('columnheader', { name: 'Dead share' });
    assert.equal(await header.getAttribute('title'), 'Share of units that never fire.');
  });

  it('sorts numbers by size, largest first, then turned, then as the report had them, and says so', async () => {
    const { page } = await openBlocks([small]);
    const grid = page.getByRole('grid');
    const header = grid.getByRole('columnheader', { name: 'Mean' });
    await header.click();
    assert.deepEqual(await columnTexts(grid, 2), ['9', '6', '5.25', '4', '3', '2', '1.5', '1', '0']);
    assert.equal(await header.getAttribute('aria-sort'), 'descending');
    await page.getByText('Sorted by Mean, descending').waitFor({ state: 'attached' });
    await header.click();
    assert.equal((await columnTexts(grid, 2))[0], '0');
    assert.equal(await header.getAttribute('aria-sort'), 'ascending');
    await header.click();
    assert.equal((await columnTexts(grid, 2))[0], '3');
    assert.equal(await header.getAttribute('aria-sort'), 'none');
  });

  it('sorts addresses by their number and puts what was not captured last either way', async () => {
    const rows = [
      { neuron: 'fc1[10]', state: 'active', mean: 1, dead: 0 },
      { neuron: 'fc1[9]', state: 'active', mean: null, dead: 0 },
      { neuron: 'fc1[2]', state: 'active', mean: 'NaN' as const, dead: 0 },
    ];
    const { page } = await openBlocks([{ ...small, rows }]);
    const grid = page.getByRole('grid');
    await grid.getByRole('columnheader', { name: 'Neuron' }).click();
    assert.deepEqual(await columnTexts(grid, 0), ['fc1[2]', 'fc1[9]', 'fc1[10]']);
    await grid.getByRole('columnheader', { name: 'Mean' }).click();
    assert.deepEqual((await columnTexts(grid, 2))[0], '1');
    await grid.getByRole('columnheader', { name: 'Mean' }).click();
    assert.deepEqual((await columnTexts(grid, 2))[0], '1');
  });

  it('filters by words and by comparisons, and leads back when nothing is left', async () => {
    const { page } = await openBlocks([small]);
    const grid = page.getByRole('grid');
    const field = page.getByRole('searchbox', { name: 'Filter Neurons' });
    await field.fill('dead');
    assert.deepEqual(await columnTexts(grid, 0), ['fc1[0]', 'fc1[3]', 'fc1[6]']);
    await field.fill('active mean >= 4 dead share < 60%');
    assert.deepEqual(await columnTexts(grid, 0), ['fc1[2]', 'fc1[4]']);
    await page.getByText('2 of 9 rows').waitFor();
    await field.fill('no such neuron');
    await page.getByRole('button', { name: 'Show all rows' }).click();
    assert.equal((await columnTexts(grid, 0)).length, 9);
    assert.equal(await field.inputValue(), '');
  });

  it('shows the rows of one state', async () => {
    const { page } = await openBlocks([small]);
    await page.getByRole('combobox', { name: 'Show one state only' }).click();
    await page.getByRole('option', { name: 'dead (3)' }).click();
    const grid = page.getByRole('grid');
    assert.deepEqual(await columnTexts(grid, 1), ['✕dead', '✕dead', '✕dead']);
  });

  it('is walked by keyboard: one tab stop, arrows, Home, End, pages; Enter sorts and follows', async () => {
    const view = await openBlocks([small]);
    const { page } = view;
    const grid = page.getByRole('grid');
    const focused = (): Promise<string | null> =>
      grid.evaluate((element) => {
        const root = element.getRootNode() as ShadowRoot;
        return root.activeElement?.textContent.trim() ?? null;
      });
    assert.equal(await grid.locator('[tabindex="0"]').count(), 1);
    await grid.locator('[tabindex="0"]').focus();
    assert.equal(await focused(), 'Neuron');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), 'fc1[0]');
    await page.keyboard.press('End');
    assert.equal(await focused(), '0.0 %');
    await page.keyboard.press('Control+End');
    assert.equal(await focused(), '100.0 %');
    await page.keyboard.press('Control+Home');
    assert.equal(await focused(), 'fc1[0]');
    await page.keyboard.press('PageDown');
    assert.equal(await focused(), 'fc1[8]');
    await page.keyboard.press('Enter');
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: 'fc1[8]' });
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    assert.equal(
      await grid.getByRole('columnheader', { name: 'Neuron' }).getAttribute('aria-sort'),
      'ascending',
    );
    assert.equal(await grid.locator('[tabindex="0"]').count(), 1);
  });

  it('tells the address that was clicked, hostile ones too, and shows them as text', async () => {
    const rows = [{ neuron: hostileName, state: 'dead', mean: 1, dead: 0.5 }];
    const view = await openBlocks([{ ...small, rows }]);
    await view.page.getByRole('link', { name: '<img src=x' }).click();
    assert.deepEqual(await view.waitForTell('open-address'), { kind: 'open-address', address: hostileName });
    assert.equal(await view.page.locator('img').count(), 0);
  });

  it('copies what is shown, unrounded, in the order shown', async () => {
    const view = await openBlocks([
      { ...small, rows: [...small.rows, { neuron: '=1+1', state: 'dead', mean: 0.123456789, dead: 0 }] },
    ]);
    const { page } = view;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('searchbox').fill('dead mean<1');
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByText('Copied 1 rows').waitFor({ state: 'attached' });
    const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
    assert.equal(await copied(), 'Neuron\tState\tMean (V)\tDead share\n=1+1\tdead\t0.123456789\t0\n');
    await page.getByRole('button', { name: 'Copy CSV' }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith('Neuron,'));
    // A spreadsheet would run the name as a formula; the apostrophe keeps it text, as in exported files.
    assert.equal((await copied()).split('\r\n')[1], `'=1+1,dead,0.123456789,0`);
  });

  it('draws few of 100,000 rows, scrolls to the last and sorts them all', async function () {
    // Most of it is sending the rows to the page.
    this.timeout(60_000);
    const { page } = await openBlocks([large(100_000)]);
    const grid = page.getByRole('grid');
    await grid.waitFor();
    const drawn = (): Promise<number> => grid.locator('.body .row').count();
    assert.ok((await drawn()) <= 60, `${await drawn()} rows are drawn`);
    assert.equal(await grid.getAttribute('aria-rowcount'), '100001');
    await grid.evaluate((element) => {
      element.scrollTop = element.scrollHeight;
    });
    await grid.getByText('fc1[99999]', { exact: true }).waitFor();
    assert.ok((await drawn()) <= 60, `${await drawn()} rows are drawn after scrolling`);
    const tookMs = await grid.getByRole('columnheader', { name: 'Mean' }).evaluate(async (header) => {
      const start = performance.now();
      (header as HTMLElement).click();
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return performance.now() - start;
    });
    const means = await columnTexts(grid, 2);
    assert.deepEqual(means.slice(0, 3), ['99,999', '99,998', '99,997']);
    // A second is what a person waits without wondering; here it takes about 0.2 s.
    assert.ok(tookMs < 1000, `sorting took ${tookMs} ms`);
    await page.getByRole('searchbox').fill('dead');
    await page.getByText('100 of 100,000 rows').waitFor();
  });

  it('keeps the focused row when it is scrolled out of view', async () => {
    const { page } = await openBlocks([large(5000)]);
    const grid = page.getByRole('grid');
    await grid.getByText('fc1[2]', { exact: true }).focus();
    await page.keyboard.press('ArrowRight');
    await grid.evaluate((element) => {
      element.scrollTop = 60_000;
    });
    await grid.getByText('fc1[2750]', { exact: true }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    const text = await grid.evaluate(
      (element) => (element.getRootNode() as ShadowRoot).activeElement?.textContent,
    );
    assert.equal(text, 'fc1[3]');
  });

  it('keeps sort, filter and scroll over a reload', async () => {
    const view = await openBlocks([large(5000)]);
    const { page } = view;
    const grid = page.getByRole('grid');
    await page.getByRole('searchbox').fill('active');
    await grid.getByRole('columnheader', { name: 'Mean' }).click();
    await grid.evaluate((element) => {
      element.scrollTop = 22_000;
    });
    // Mean 3990 of the 4,995 active ones, 22 px each, is in the part that is scrolled to. It is waited for: rows are drawn
    // in the frame after a scroll.
    const shown = grid.getByText('3,990', { exact: true });
    await shown.waitFor();
    const before = await topOf(grid, shown);
    await page.waitForTimeout(200);
    await view.reload();
    await shown.waitFor();
    assert.equal(await topOf(grid, shown), before);
    assert.equal(await page.getByRole('searchbox').inputValue(), 'active');
    assert.equal(
      await grid.getByRole('columnheader', { name: 'Mean' }).getAttribute('aria-sort'),
      'descending',
    );
  });

  it('says how many rows the report leaves out, and shows huge and missing numbers', async () => {
    const rows = [
      { neuron: 'a', state: 'active', mean: 1.5e300, dead: 0 },
      { neuron: 'b', state: 'active', mean: 'Infinity' as const, dead: 'NaN' as const },
      { neuron: 'c', state: 'active', mean: null, dead: 2 },
    ];
    const { page } = await openBlocks([{ ...small, rows, omittedRowCount: 1234 }]);
    assert.deepEqual(await columnTexts(page.getByRole('grid'), 2), ['1.50e+300', '∞', '–']);
    assert.deepEqual(await columnTexts(page.getByRole('grid'), 3), ['0.0 %', 'NaN', '200.0 %']);
    await page.getByText('… 1,234 more that the report leaves out').waitFor();
  });
});
