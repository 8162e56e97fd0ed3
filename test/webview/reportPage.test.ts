import assert from 'node:assert/strict';
import type { TableBlock } from '../../src/protocol/blocks.js';
import { reportWithEveryBlock } from '../support/everyBlock.js';
import { makeReport } from '../support/makeReport.js';
import { openReport, pageOf, shownText } from '../support/reportPage.js';
import { openView } from '../support/webviewPage.js';
import type { ReportProtocol } from '../../src/protocol/views/reportMessages.js';

const heading = { question: 'Which units never fire?', modelName: 'tiny' };

function table(rowCount: number): TableBlock {
  return {
    type: 'table',
    title: 'Units',
    columns: [
      { key: 'unit', label: 'Unit', kind: 'address' },
      { key: 'mean', label: 'Mean', kind: 'number' },
    ],
    rows: Array.from({ length: rowCount }, (_, index) => ({ unit: `fc1[${index}]`, mean: index })),
  };
}

function running(
  fractionDone: number,
  isCancelling = false,
): {
  fractionDone: number;
  message: string;
  startedMs: number;
  isCancelling: boolean;
} {
  return {
    fractionDone,
    message: `${fractionDone * 100} of 100 images`,
    startedMs: Date.now() - 10_000,
    isCancelling,
  };
}

describe('the page of a run', () => {
  it('shows the question and the progress before there is a result, and how long it will take', async () => {
    const view = await openView<ReportProtocol>('report', {
      shows: [
        {
          kind: 'page',
          origin: null,
          heading,
          run: running(0.25),
          isStale: false,
          crossed: [],
          base: '',
          actions: [],
        },
      ],
    });
    const { page } = view;
    await page.getByRole('heading', { name: 'Which units never fire? · tiny' }).waitFor();
    const bar = page.getByRole('progressbar');
    assert.equal(await bar.getAttribute('aria-valuenow'), '25');
    // A quarter took ten seconds, so three quarters take thirty; starting the page takes some of them.
    const left = await page.getByText(/≈ \d+ s left/).innerText();
    const seconds = Number(/(\d+) s/.exec(left)?.[1]);
    assert.ok(seconds >= 30 && seconds <= 60, left);
    await view.show({ kind: 'progress', run: running(0.5) });
    await page.getByText('50 of 100 images').first().waitFor();
    assert.equal(await bar.getAttribute('aria-valuenow'), '50');
    await view.expectNoAxeViolations();
  });

  it('tells a cancel once, however often it is clicked', async () => {
    const view = await openReport(makeReport(), { content: { run: running(0.5), actions: [] } });
    const button = view.page.getByRole('button', { name: 'Cancel' });
    await button.click();
    await button.click({ force: true });
    await button.press('Enter');
    await view.page.getByText('Cancelling…').waitFor();
    assert.deepEqual(view.tells(), [{ kind: 'cancel' }]);
  });

  it('takes partial results without losing sort, scroll, folds or the place that is read', async () => {
    const blocks = [
      { type: 'markdown' as const, title: 'Folded', folded: true, text: 'Hidden words.' },
      table(400),
      { type: 'markdown' as const, text: 'line\n\n'.repeat(80) },
    ];
    const view = await openReport(makeReport({ summary: 'First.', blocks }), {
      content: { run: running(0.2), actions: [] },
    });
    const { page } = view;
    const grid = page.getByRole('grid');
    await grid.getByRole('columnheader', { name: 'Mean' }).click();
    await grid.evaluate((element) => {
      element.scrollTop = 2200;
    });
    await page.getByText('Folded').click();
    await page.evaluate(() => {
      window.scrollTo(0, 300);
    });
    await view.show(
      pageOf(makeReport({ summary: 'Second.', blocks: [blocks[0]!, table(500), blocks[2]!] }), {
        run: running(0.4),
        actions: [],
      }),
    );
    await page.getByText('Second.').waitFor({ state: 'attached' });
    assert.equal(await grid.getAttribute('aria-rowcount'), '501');
    assert.equal(
      await grid.getByRole('columnheader', { name: 'Mean' }).getAttribute('aria-sort'),
      'descending',
    );
    assert.equal(await grid.evaluate((element) => element.scrollTop), 2200);
    assert.equal(await page.evaluate(() => window.scrollY), 300);
    assert.ok(await page.getByText('Hidden words.').isVisible());
    // The end: no progress any more, and what can be done instead.
    await view.show(pageOf(makeReport({ summary: 'Third.', blocks })));
    await page.getByRole('toolbar').waitFor();
    assert.equal(await page.getByRole('progressbar').count(), 0);
    assert.equal(await page.evaluate(() => window.scrollY), 300);
  });
});

describe('the page of a finished report', () => {
  it('says that a report is stale, crossed a limit or was cancelled, and offers what helps', async () => {
    const view = await openReport(
      makeReport({ status: 'cancelled', warnings: ['Cancelled before it was done.'] }),
      { content: { isStale: true, crossed: ['deadShare is 0.31, over 0.1'] } },
    );
    const { page } = view;
    await page.locator('ni-note').first().waitFor();
    const notes = await page.locator('ni-note').all();
    assert.deepEqual(await Promise.all(notes.map(shownText)), [
      'The model changed since this was measured. Run again',
      'Limit crossed: deadShare is 0.31, over 0.1',
      'Cancelled before it was done.',
    ]);
    await page.locator('ni-note').getByRole('button', { name: 'Run again' }).click();
    assert.deepEqual(await view.waitForTell('act'), { kind: 'act', action: 'run-again' });
  });

  it('says why a run failed, once, and how to go on', async () => {
    const { page } = await openReport(
      makeReport({
        status: 'failed',
        summary: 'The run failed: Out of memory. Lower the batch size.',
        warnings: ['Out of memory. Lower the batch size.'],
      }),
    );
    await page.locator('ni-note[severity=error]').getByText('Out of memory. Lower the batch size.').waitFor();
    assert.equal(await page.getByText('Out of memory').count(), 1);
    assert.equal(await page.locator('ni-note').getByRole('button', { name: 'Run again' }).count(), 1);
  });

  it('says that a report is empty and what to do', async () => {
    const view = await openReport(makeReport());
    await view.page.getByText('There is nothing in this report').waitFor();
    await view.page.locator('ni-empty').getByRole('button', { name: 'Run with changes…' }).click();
    assert.deepEqual(await view.waitForTell('act'), { kind: 'act', action: 'change' });
  });

  it('does not take a run that has measured nothing yet for one that found nothing', async () => {
    const nothingYet = makeReport({ status: 'partial', summary: 'Nothing measured yet.' });
    const run = { fractionDone: 0.1, message: 'Reading', startedMs: 0, isCancelling: false };
    const view = await openReport(nothingYet, { content: { run, actions: [] } });
    await view.page.getByText('Results appear here as soon as there are some.').waitFor();
    await view.show(pageOf({ ...nothingYet, status: 'cancelled' }));
    await view.page.getByText('cancelled').waitFor();
    assert.equal(await view.page.getByText('There is nothing in this report').count(), 0);
  });

  it('says what is wrong with a damaged file', async () => {
    const view = await openView<ReportProtocol>('report', {
      shows: [
        {
          kind: 'page',
          origin: null,
          problem: {
            heading: 'This report cannot be shown',
            message: 'x.nireport.json is no JSON.',
            action: 'open-source',
          },
          isStale: false,
          crossed: [],
          base: '',
          actions: ['open-source'],
        },
      ],
    });
    await view.page.locator('ni-empty').getByText('x.nireport.json is no JSON.').waitFor();
    await view.page.locator('ni-empty').getByRole('button', { name: 'Open as text' }).click();
    assert.deepEqual(await view.waitForTell('act'), { kind: 'act', action: 'open-source' });
    await view.expectNoAxeViolations();
  });

  it('shows how it was computed when asked, with every metric and array', async () => {
    const { page } = await openReport(reportWithEveryBlock());
    await page.getByText('How it was computed').click();
    const text = await shownText(page.locator('main'));
    for (const fact of [
      '/models/tiny.onnx (1.2 kB)',
      '/data/tiny.npz (npz, 100 samples)',
      'Setting epsilon',
      '0.001',
    ]) {
      assert.ok(text.includes(fact), `${fact} is missing`);
    }
    // Metrics that no block shows are here: their evidence too.
    assert.match(text, /Dead count\n12\nmeasured on 100 samples: the first 100/);
    assert.match(text, /Mean sparsity\nNaN/);
    assert.deepEqual(
      await page.getByRole('grid', { name: 'Raw results' }).getByRole('gridcell').allInnerTexts(),
      ['fc1.maximum', '64', 'float32', '–'],
    );
  });

  it('comes back after a reload as it was left', async () => {
    const view = await openReport(reportWithEveryBlock(), { height: 500 });
    const { page } = view;
    await page.getByText('Details', { exact: true }).click();
    await page.getByRole('button', { name: 'Show as table' }).click();
    await page.getByLabel('Opacity').fill('40');
    await page.evaluate(() => {
      window.scrollTo(0, 700);
    });
    await page.waitForTimeout(250);
    await view.reload();
    await page.getByText('Counted over all positions.').waitFor();
    await page.waitForFunction(() => window.scrollY === 700);
    await page.getByRole('button', { name: 'Show as chart' }).waitFor();
    assert.equal(await page.getByLabel('Opacity').inputValue(), '40');
    assert.deepEqual((view.writtenState() as { origin: unknown }).origin, { kind: 'result', id: 'r1' });
  });

  it('is in the language of the editor', async () => {
    const { page } = await openReport(reportWithEveryBlock(), {
      texts: { 'How it was computed': 'Wie es berechnet wurde', '{0} of {1} rows': '{0} von {1} Zeilen' },
    });
    await page.getByText('Wie es berechnet wurde').waitFor();
  });
});

describe('the report page can be used by everyone', () => {
  for (const theme of ['light', 'dark', 'high-contrast-light', 'high-contrast'] as const) {
    it(`in the theme ${theme}`, async () => {
      const view = await openReport(reportWithEveryBlock(), {
        theme,
        content: { isStale: true, crossed: ['too many dead'] },
      });
      await view.page.locator('ni-chart svg').waitFor();
      await view.page.getByText('How it was computed').click();
      await view.expectNoAxeViolations();
    });
  }

  it('at 200 % zoom of a narrow window, without scrolling sideways', async () => {
    const view = await openReport(reportWithEveryBlock(), { width: 400, scale: 2 });
    await view.page.locator('ni-chart svg').waitFor();
    const overflow = await view.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(overflow, 0);
  });
});

describe('a report that puts others together', () => {
  it('leads to them, and from each finding to the one that has it', async () => {
    const part = {
      analysis: 'dead-neurons',
      title: 'Dead neurons',
      summary: 'Some are.',
      file: '../x/r.json',
    };
    const finding = { severity: 'warning', message: 'Some never fire.', advice: 'Try.' } as const;
    const view = await openReport(
      makeReport({
        analysis: 'checkup',
        parts: [part],
        findings: [{ ...finding, analysis: 'dead-neurons' }],
        blocks: [{ type: 'findings' }],
      }),
    );
    const links = view.page.getByRole('link', { name: 'Dead neurons' });
    await links.first().click();
    assert.deepEqual(await view.waitForTell('open-part'), { kind: 'open-part', file: '../x/r.json' });
    assert.equal(await links.count(), 2);
  });
});
