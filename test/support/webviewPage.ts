import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type AxeCore from 'axe-core';
import type { BrowserContext, Page, Route } from 'playwright-core';
import { pageHtml } from '../../src/extension/views/pageHtml.js';
import type { HostToView, ViewProtocol, ViewToHost } from '../../src/protocol/viewMessages.js';
import { chromiumPath, closeChromium, openChromium } from './chromium.js';
import { type EditorTheme, type ThemeName, editorThemes, webviewDefaultStyle } from './editorThemes.js';
import { rootDir } from './paths.js';

// A page of ours as the editor shows it: built bundle, the policy it ships with, the editor's default style and theme
// variables, and a host that the test plays. Load a view with `openView`; pages close after each test, and a test fails
// when one of its pages logged an error, broke the policy or asked for anything that is not its own.

/** Answers to a view's questions, by kind; a question without one stays open, as on a busy host. */
export type Answers<P extends ViewProtocol> = {
  readonly [K in P['ask']['kind']]?: (question: Extract<P['ask'], { readonly kind: K }>) => unknown;
};

/** How a view is opened. */
export interface ViewSetup<P extends ViewProtocol = ViewProtocol> {
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
  /** Device pixels per CSS pixel; 200 % zoom is half the width at 2. */
  readonly scale?: number;
  /** State that an earlier load of the page wrote. */
  readonly state?: unknown;
  /** Sent as soon as the page says that it is ready, at every load. */
  readonly shows?: readonly P['show'][];
  readonly answers?: Answers<P>;
  /** Translated texts by their English. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Folder of the built view; `dist/webview` unless a test brings its own. */
  readonly folder?: string;
}

// What a webview of the real editor has for addresses: its own origin, and one that serves the extension's files.
const pageAddress = 'https://view.vscode-webview.net/index.html';
const fileOrigin = 'https://file+.vscode-resource.vscode-cdn.net';
const cspSource = `'self' https://*.vscode-cdn.net`;
const screenshotsDir = join(rootDir, '.cache', 'screenshots');
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.ttf': 'font/ttf',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

const openPages = new Set<WebviewPage>();

/** Opens a view by its folder name under `webview/views` and waits until it says that it is ready. */
export async function openView<P extends ViewProtocol = ViewProtocol>(
  name: string,
  setup: ViewSetup<P> = {},
): Promise<WebviewPage<P>> {
  const browser = await openChromium();
  const context = await browser.newContext({
    viewport: { width: setup.width ?? 1000, height: setup.height ?? 800 },
    deviceScaleFactor: setup.scale ?? 1,
    reducedMotion: 'reduce',
  });
  const opened = new WebviewPage<P>(name, setup, await context.newPage());
  openPages.add(opened as unknown as WebviewPage);
  await opened.load(context);
  return opened;
}

/** A loaded view and the host that the test plays. */
export class WebviewPage<P extends ViewProtocol = ViewProtocol> {
  /** Playwright's page, for locators and the keyboard. */
  readonly page: Page;
  /** Errors logged, rules of the policy broken and addresses asked for in vain; a test that expects one takes it out. */
  readonly problems: string[] = [];
  private readonly name: string;
  private readonly setup: ViewSetup<P>;
  private readonly heard: ViewToHost<P>[] = [];
  private state: unknown;
  private answers: Answers<P>;
  private theme: ThemeName;
  private isHearing = true;
  private readyCount = 0;

  constructor(name: string, setup: ViewSetup<P>, page: Page) {
    this.name = name;
    this.setup = setup;
    this.page = page;
    this.state = setup.state;
    this.answers = setup.answers ?? {};
    this.theme = setup.theme ?? 'dark';
    page.setDefaultTimeout(8000);
  }

  /** Loads the page for the first time. */
  async load(context: BrowserContext): Promise<void> {
    await context.route('**/*', (route) => this.serve(route));
    await this.page.exposeBinding('niHostHears', (_source, message: ViewToHost<P>) => this.hear(message));
    await this.page.exposeBinding('niHostKeeps', (_source, state: unknown) => {
      this.state = state;
    });
    this.page.on('console', (message) => {
      if (message.type() === 'error' && this.isHearing) this.problems.push(`console: ${message.text()}`);
    });
    this.page.on('pageerror', (error) => this.problems.push(`not caught: ${error.message}`));
    await this.reload();
  }

  /** Loads the page again with the state it wrote last, as the editor does when a hidden tab is shown. */
  async reload(): Promise<void> {
    const before = this.readyCount;
    await this.page.goto(pageAddress);
    await this.until(
      () => this.readyCount > before,
      () => `${this.name} did not say that it is ready`,
    );
  }

  /** Sends what the host shows. */
  async show(message: P['show']): Promise<void> {
    await this.send({ kind: 'show', show: message });
  }

  /** Replaces the answers to questions asked from now on. */
  answer(answers: Answers<P>): void {
    this.answers = { ...this.answers, ...answers };
  }

  /** Everything the page has sent, in order. */
  messages(): readonly ViewToHost<P>[] {
    return this.heard;
  }

  /** What the page has told, in order. */
  tells(): P['tell'][] {
    return this.heard.flatMap((message) => (message.kind === 'tell' ? [message.tell] : []));
  }

  /** What the page has asked, in order. */
  asks(): P['ask'][] {
    return this.heard.flatMap((message) => (message.kind === 'ask' ? [message.ask] : []));
  }

  /** Waits for the page to tell something of a kind and returns the last of it. */
  async waitForTell<K extends P['tell']['kind']>(kind: K): Promise<Extract<P['tell'], { readonly kind: K }>> {
    const found = (): P['tell'] | undefined => this.tells().findLast((tell) => tell.kind === kind);
    await this.until(
      () => found() !== undefined,
      () => `${this.name} did not tell ${kind}, only ${JSON.stringify(this.tells())}`,
    );
    // Found by that very kind.
    return found() as Extract<P['tell'], { readonly kind: K }>;
  }

  /** State that the page wrote last. */
  writtenState(): unknown {
    return this.state;
  }

  /** Changes the theme of a loaded page, as the editor does. */
  async setTheme(theme: ThemeName): Promise<void> {
    this.theme = theme;
    await this.page.evaluate(applyTheme, editorThemes[theme]);
  }

  /** Changes the page's size in CSS pixels, and returns when what follows from it is drawn. */
  async resize(width: number, height = 800): Promise<void> {
    await this.page.setViewportSize({ width, height });
    await this.page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  }

  /** Keeps a picture under `.cache/screenshots`; the name may have folders. Returns its path. */
  async screenshot(name: string, { fullPage = false } = {}): Promise<string> {
    mkdirSync(screenshotsDir, { recursive: true });
    const path = join(screenshotsDir, `${name}.png`);
    await this.page.screenshot({ path, fullPage, animations: 'disabled' });
    return path;
  }

  /** Keeps pictures in every theme at 800 and 1600 px; leaves the page as it was. */
  async screenshotsInThemes(name: string): Promise<void> {
    const { theme } = this;
    const size = this.page.viewportSize();
    for (const each of Object.keys(editorThemes) as ThemeName[]) {
      await this.setTheme(each);
      for (const width of [800, 1600]) {
        await this.resize(width, 1000);
        await this.screenshot(`${name}-${each}-${width}`);
      }
    }
    await this.setTheme(theme);
    if (size !== null) await this.page.setViewportSize(size);
  }

  /** Fails with what axe finds: WCAG 2.2 A and AA, and its best practices. */
  async expectNoAxeViolations(): Promise<void> {
    // What axe itself tries (it tests what the page allows) is no fault of the page.
    this.isHearing = false;
    await this.page.evaluate(axeSource);
    const found = await this.page.evaluate(findViolations);
    // The browser reports rules of the policy on their own time, after the answer.
    await wait(100);
    this.isHearing = true;
    assert.equal(found.length, 0, `${found.length} accessibility violations:\n${found.join('\n')}`);
  }

  /** Ends the page. */
  async close(): Promise<void> {
    openPages.delete(this as unknown as WebviewPage);
    await this.page.context().close();
  }

  private async hear(message: ViewToHost<P>): Promise<void> {
    this.heard.push(message);
    switch (message.kind) {
      case 'ready':
        for (const show of this.setup.shows ?? []) await this.send({ kind: 'show', show });
        // Counted now, so that what a test shows comes after what it opened the view with.
        this.readyCount++;
        return;
      case 'ask':
        await this.reply(message.id, message.ask);
        return;
      case 'crashed':
        this.problems.push(`crashed: ${message.message}`);
        return;
      case 'tell':
        return;
    }
  }

  private async reply(id: number, question: P['ask']): Promise<void> {
    // Erased: the entry under a kind takes the question of that kind.
    const answers = this.answers as Readonly<Record<string, ((question: P['ask']) => unknown) | undefined>>;
    const answerOf = answers[question.kind];
    if (answerOf === undefined) return;
    try {
      await this.send({ kind: 'answer', id, answer: await answerOf(question) });
    } catch (error) {
      await this.send({
        kind: 'refused',
        id,
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }

  private async send(message: HostToView<P>): Promise<void> {
    // Posted, not dispatched here: within an evaluation from outside the browser lifts the page's ban on eval.
    const text = textOf(message);
    if (text === undefined) {
      await this.page.evaluate((data) => {
        window.postMessage(data);
      }, message as unknown);
      return;
    }
    await this.page.evaluate((json) => {
      window.postMessage(JSON.parse(json));
    }, text);
  }

  private async serve(route: Route): Promise<void> {
    const address = route.request().url();
    if (address === pageAddress) {
      await route.fulfill({ contentType: 'text/html', body: this.html() });
      return;
    }
    const file = address.startsWith(`${fileOrigin}/`) ? this.builtFile(new URL(address).pathname) : undefined;
    if (file === undefined) {
      this.problems.push(`asked for ${address}`);
      await route.abort();
      return;
    }
    // The editor serves an extension's files to any origin, as its webviews have one of their own.
    await route.fulfill({
      body: file,
      contentType: contentTypes[extname(address)] ?? 'application/octet-stream',
      headers: { 'access-control-allow-origin': '*' },
    });
  }

  /** Names are paths below the folder of the built view. */
  private builtFile(path: string): Buffer | undefined {
    try {
      return readFileSync(join(this.setup.folder ?? join(rootDir, 'dist', 'webview'), path));
    } catch (error) {
      if (this.setup.folder === undefined) throw error;
      // A view that a test brings uses the icon font of the others.
      return undefined;
    }
  }

  private html(): string {
    const html = pageHtml({
      name: this.name,
      title: this.name,
      language: 'en',
      nonce: 'test',
      source: cspSource,
      built: (name) => (name === '' ? fileOrigin : `${fileOrigin}/${name}`),
      texts: this.setup.texts ?? {},
    });
    // The editor puts its style and API before the policy, which therefore does not bind them.
    return html.replace('<head>', () => `<head>\n${this.editorPart()}`);
  }

  private editorPart(): string {
    // __name: the test runner's compiler calls it in every function it compiles, also in those sent to the page.
    const data = JSON.stringify({ theme: editorThemes[this.theme], state: this.state }).replaceAll(
      '<',
      '\\u003c',
    );
    return `<style id="_defaultStyles">html { background: var(--vscode-editor-background); } ${webviewDefaultStyle}</style>
<script>globalThis.__name = (value) => value; (${startEditorPart.toString()})(${data}, ${applyTheme.toString()});</script>`;
  }

  private async until(isTrue: () => boolean, complaint: () => string): Promise<void> {
    const deadline = Date.now() + 8000;
    while (!isTrue()) {
      if (Date.now() > deadline) throw new Error([complaint(), ...this.problems].join('\n'));
      await wait(10);
    }
  }
}

/** A message as the editor sends it: JSON, unless it holds binary data. */
function textOf(message: unknown): string | undefined {
  const binary: unknown[] = [];
  const text = JSON.stringify(message, (_key, value: unknown) => {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) binary.push(value);
    return binary.length > 0 ? null : value;
  });
  return binary.length > 0 ? undefined : text;
}

interface EditorPart {
  readonly theme: EditorTheme;
  readonly state?: unknown;
}

/** Runs in the page before anything of ours: what the editor gives a page. Refers to nothing outside itself. */
function startEditorPart({ theme, state }: EditorPart, apply: (theme: EditorTheme) => void): void {
  const page = window as unknown as {
    acquireVsCodeApi: () => unknown;
    niHostHears: (message: unknown) => Promise<void>;
    niHostKeeps: (state: unknown) => Promise<void>;
  };
  let kept = state;
  let isAcquired = false;
  page.acquireVsCodeApi = () => {
    if (isAcquired) throw new Error('An instance of the VS Code API has already been acquired');
    isAcquired = true;
    return Object.freeze({
      postMessage: (message: unknown) => void page.niHostHears(structuredClone(message)),
      getState: () => kept,
      setState: (next: unknown) => {
        kept = JSON.parse(JSON.stringify(next)) as unknown;
        void page.niHostKeeps(kept);
        return next;
      },
    });
  };
  // Before the body is first painted.
  new MutationObserver((_changes, observer) => {
    if (document.querySelector('body') === null) return;
    observer.disconnect();
    apply(theme);
  }).observe(document.documentElement, { childList: true });
}

/** Runs in the page: variables on the root, class and data on the body, as the editor does. */
function applyTheme(theme: EditorTheme): void {
  const { style } = document.documentElement;
  for (const variable of Array.from(style)) style.removeProperty(variable);
  for (const [variable, value] of Object.entries(theme.variables)) style.setProperty(variable, value);
  const { body } = document;
  const ours = Array.from(body.classList).filter((name) => !name.startsWith('vscode-'));
  body.className = [...ours, ...theme.bodyClass.split(' ')].join(' ');
  Object.assign(body.dataset, {
    vscodeThemeKind: theme.kind,
    vscodeThemeName: theme.label,
    vscodeThemeId: theme.id,
  });
}

/** Runs in the page, after axe's own source: one line for each violation. */
async function findViolations(): Promise<string[]> {
  const { axe } = window as unknown as { axe: typeof AxeCore };
  const { violations } = await axe.run(document, {
    rules: {
      // A view is part of the editor's window, which has the landmarks.
      region: { enabled: false },
      'landmark-one-main': { enabled: false },
      'page-has-heading-one': { enabled: false },
    },
  });
  return violations.flatMap((violation) =>
    violation.nodes.map(
      (node) => `  ${violation.id}: ${violation.help}\n    ${node.html}\n    ${node.failureSummary ?? ''}`,
    ),
  );
}

// Registered on the root suite, as this file is imported at the top of a test file; benchmarks have no suite.
if (typeof beforeEach === 'function') watchPages();

function watchPages(): void {
  beforeEach('a page may log no error', function () {
    if (chromiumPath === undefined) this.skip();
    const test = this.currentTest;
    const body = test?.fn;
    if (test === undefined || body === undefined) return;
    // Around the body and not in afterEach: a hook that fails would end the whole run, not the one test.
    test.fn = async function (this: Mocha.Context) {
      try {
        await (body as Mocha.AsyncFunc).call(this);
        const problems = [...openPages].flatMap((page) => page.problems);
        assert.deepEqual(problems, [], 'the page had problems');
      } catch (error) {
        await keepFailedPages(test.fullTitle());
        throw error;
      }
    };
  });

  afterEach('close pages', async () => {
    for (const page of [...openPages]) await page.close();
  });

  after('close Chromium', closeChromium);
}

/** Keeps what the pages looked like when a test failed. */
async function keepFailedPages(title: string): Promise<void> {
  const name = title.replaceAll(/[^\w]+/g, '-').slice(0, 120);
  for (const [index, page] of [...openPages].entries()) {
    // A page that cannot be pictured must not hide why the test failed.
    await page.screenshot(`failed/${name}-${index}`).catch(() => undefined);
  }
}
