import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fixturesDir } from '../support/paths.js';
import { openView, type ViewSetup, type WebviewPage } from '../support/webviewPage.js';

// What loads views in tests must itself be able to fail.

interface PlainProtocol {
  readonly show: { readonly kind: string; readonly text?: string };
  readonly ask: { readonly kind: 'sum'; readonly terms: Float64Array };
  readonly answers: { readonly sum: number };
  readonly tell: { readonly kind: 'pressed'; readonly presses: number };
}

function openPlain(setup: ViewSetup<PlainProtocol> = {}): Promise<WebviewPage<PlainProtocol>> {
  return openView<PlainProtocol>('plain', { folder: join(fixturesDir, 'view'), ...setup });
}

/** Takes out what the test expects, so that it does not fail the test. */
async function takeProblem(view: WebviewPage<PlainProtocol>, pattern: RegExp): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!view.problems.some((problem) => pattern.test(problem)) && Date.now() < deadline) {
    await view.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  const problems = view.problems.splice(0);
  assert.ok(
    problems.some((problem) => pattern.test(problem)),
    `${pattern} is not among ${JSON.stringify(problems)}`,
  );
}

describe('a view loaded for a test', () => {
  it('hears what the host shows', async () => {
    const view = await openPlain({ shows: [{ kind: 'text', text: 'at once' }] });
    await view.page.getByText('at once').waitFor();
    await view.show({ kind: 'text', text: 'later' });
    await view.page.getByText('later').waitFor();
  });

  it('gets answers and refusals to its questions, typed arrays included', async () => {
    const view = await openPlain({ answers: { sum: ({ terms }) => terms.reduce((a, b) => a + b, 0) } });
    await view.show({ kind: 'ask' });
    await view.page.getByText('sum: 7').waitFor();
    view.answer({
      sum: () => {
        throw new Error('no sums today');
      },
    });
    await view.show({ kind: 'ask' });
    await view.page.getByText('refused: no sums today').waitFor();
    assert.deepEqual(
      view.asks().map((question) => question.kind),
      ['sum', 'sum'],
    );
  });

  it('keeps its state over a reload, as the editor does', async () => {
    const view = await openPlain({ state: { presses: 4 } });
    await view.page.getByRole('button').click();
    assert.deepEqual(await view.waitForTell('pressed'), { kind: 'pressed', presses: 5 });
    await view.reload();
    assert.equal(await view.page.getByLabel('Presses').textContent(), '5');
    assert.deepEqual(view.writtenState(), { presses: 5 });
  });

  it('has the colours of the theme, and of the next one when it changes', async () => {
    const view = await openPlain({ theme: 'light' });
    const colour = (): Promise<string> =>
      view.page.getByRole('button').evaluate((button) => getComputedStyle(button).backgroundColor);
    const light = await colour();
    await view.setTheme('high-contrast');
    assert.notEqual(await colour(), light);
    assert.equal(await view.page.locator('body.vscode-high-contrast').count(), 1);
    assert.equal(await view.page.locator('body.vscode-light').count(), 0);
  });

  it('may start a worker from a blob of its own script', async () => {
    const view = await openPlain();
    await view.show({ kind: 'worker' });
    await view.page.getByText('worker: 21').waitFor();
  });
});

describe('a test of a view fails', () => {
  it('when the page throws', async () => {
    const view = await openPlain();
    await view.show({ kind: 'throw' });
    await takeProblem(view, /not caught: thrown on purpose/);
  });

  it('when the page has a style of its own in its markup', async () => {
    const view = await openPlain();
    await view.show({ kind: 'inline-style' });
    await takeProblem(view, /Content Security Policy/);
  });

  it('when the page makes code from text', async () => {
    const view = await openPlain();
    await view.show({ kind: 'eval' });
    await takeProblem(view, /unsafe-eval/);
  });

  it('when the page asks for anything remote', async () => {
    const view = await openPlain();
    await view.show({ kind: 'remote' });
    await takeProblem(view, /Content Security Policy/);
  });

  it('when axe finds text that cannot be read', async () => {
    const view = await openPlain();
    await view.expectNoAxeViolations();
    await view.show({ kind: 'faint' });
    await assert.rejects(view.expectNoAxeViolations(), /color-contrast/);
  });
});
