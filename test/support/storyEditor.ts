import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Frame, Locator, Page } from 'playwright-core';
import { editorAddress, newEditorPage } from '../../scripts/editor/editorPage.mjs';
import { type EditorServer, startServer } from '../../scripts/editor/server.mjs';
import { copySamples, installUnpacked } from '../../scripts/editor/windows.mjs';
import { chromiumPath, closeChromium, openChromium } from './chromium.js';
import { editorThemes, type ThemeName } from './editorThemes.js';
import { fixturesDir, rootDir } from './paths.js';

// The real editor as a person has it: the extension installed (its built files, not a package), windows in Chromium,
// driven by what is on the screen.

/** Opening the editor takes seconds on a quiet machine; a busy one takes many times that. */
const openLimitMs = 120_000;
/** For anything a person waits for. */
const stepLimitMs = 60_000;
/** Keys of the stage, an extension of the tests, that choose a theme. */
const themeKeys: Readonly<Record<ThemeName, number>> = {
  light: 1,
  dark: 2,
  'high-contrast-light': 3,
  'high-contrast': 4,
};
const screenshotsDir = join(rootDir, '.cache', 'screenshots', 'story');

/** How an editor is started. */
export interface EditorSetup {
  /** Whether every folder is trusted; otherwise windows open in Restricted Mode. */
  readonly hasTrust?: boolean;
  readonly theme?: ThemeName;
}

/** A server of the editor with the extension installed and a copy of the samples; several windows may be open on it. */
export class StoryEditor {
  /** The folder with the samples. */
  readonly samples: string;
  private readonly root: string;
  private readonly server: EditorServer;
  private readonly pages: Page[] = [];

  private constructor(root: string, samples: string, server: EditorServer) {
    this.root = root;
    this.samples = samples;
    this.server = server;
  }

  /** Starts it; `end` removes all it wrote. */
  static async start({ hasTrust = true, theme = 'dark' }: EditorSetup = {}): Promise<StoryEditor> {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'neuron-inspector-story-')));
    const extensionsDir = join(root, 'extensions');
    installUnpacked(extensionsDir, [rootDir, join(fixturesDir, 'stage')]);
    const server = await startServer({
      dataDir: join(root, 'server'),
      extensionsDir,
      settings: settingsOf(theme),
      args: ['--without-connection-token', ...(hasTrust ? ['--disable-workspace-trust'] : [])],
    });
    return new StoryEditor(root, copySamples(join(root, 'sample-models')), server);
  }

  /** Opens a window on a folder, the samples unless another is named, and waits until the extension is there. */
  async openWindow(folder: string | null = this.samples): Promise<StoryWindow> {
    const page = await newEditorPage(await openChromium());
    this.pages.push(page);
    page.setDefaultTimeout(stepLimitMs);
    const address = editorAddress(this.server, folder === null ? {} : { open: folder });
    await page.goto(address, { timeout: openLimitMs });
    const window = new StoryWindow(page);
    await window.sideBarTab().waitFor({ timeout: openLimitMs });
    return window;
  }

  /** Keeps what every window looks like when a test has failed. */
  async pictureFailure(title: string): Promise<void> {
    for (const [index, page] of this.pages.entries()) {
      // A window that cannot be pictured must not hide why the test failed.
      await new StoryWindow(page).screenshot(`failed/${title}-${index}`).catch(() => undefined);
    }
  }

  /** Ends windows and server and removes what they wrote. */
  async end(): Promise<void> {
    for (const page of this.pages) await page.context().close();
    await this.server.end();
    rmSync(this.root, { recursive: true, force: true });
  }
}

function settingsOf(theme: ThemeName): Readonly<Record<string, unknown>> {
  return {
    'workbench.colorTheme': editorThemes[theme].id,
    'security.workspace.trust.startupPrompt': 'never',
  };
}

/** A window of the editor, by what a person sees and does in it. */
export class StoryWindow {
  /** Playwright's page, for locators, mouse and keyboard. */
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** The extension's icon in the activity bar. */
  sideBarTab(): Locator {
    return this.page.getByRole('tab', { name: /^Neuron Inspector/ });
  }

  /** Shows the side bar's container of a name: Explorer, Neuron Inspector. */
  async showSideBar(name: string): Promise<void> {
    const tab = this.page.getByRole('tab', { name: new RegExp(`^${name}`) });
    const heading = this.page
      .locator('.sidebar')
      .getByRole('heading', { name: new RegExp(name, 'i') })
      .first();
    for (let attempt = 0; attempt < 10; attempt++) {
      // A window that is loading brings its side bar back by itself, and a click at that moment closes it again.
      if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
      if (await succeeds(heading.waitFor({ timeout: 6000 }))) return;
    }
    throw new Error(`The side bar did not show ${name}.`);
  }

  /** A line of a tree, by the beginning of what a screen reader says. */
  treeItem(name: string | RegExp): Locator {
    return this.page.locator('.sidebar').getByRole('treeitem', { name }).first();
  }

  /** Opens the context menu of something and takes an entry. */
  async chooseInMenu(target: Locator, entry: string): Promise<void> {
    const item = this.page.getByRole('menuitem', { name: entry });
    for (let attempt = 0; attempt < 20; attempt++) {
      // A menu that closed by itself (its window lost the focus) is opened again.
      if (!(await item.isVisible())) await target.click({ button: 'right' });
      if (!(await succeeds(item.click({ timeout: 3000 })))) {
        // So is one that was opened before the editor knew what the entry is for: it lies over what is clicked.
        if (await this.page.locator('.monaco-menu-container').first().isVisible()) {
          await this.page.keyboard.press('Escape');
        }
        continue;
      }
      // The editor ignores clicks in the first tenth of a second of a menu, lest a double click takes an entry.
      if (await succeeds(item.waitFor({ state: 'hidden', timeout: 300 }))) return;
    }
    throw new Error(`The menu did not take ${entry}.`);
  }

  /** Runs a command by its title in the palette. */
  async runCommand(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input').first();
    for (let attempt = 0; attempt < 10 && !(await input.isVisible()); attempt++) {
      // A view that is just closing takes the key with it.
      await this.page.keyboard.press('F1');
      await succeeds(input.waitFor({ timeout: 3000 }));
    }
    await input.fill(`>${title}`);
    await this.page.locator('.quick-input-list').getByRole('option', { name: title }).first().click();
  }

  /** Takes an entry of the list that asks, typing its text first: a long list draws only what fits. */
  async pick(entry: string | RegExp): Promise<void> {
    if (typeof entry === 'string') await this.page.locator('.quick-input-widget input').first().fill(entry);
    await this.page.locator('.quick-input-list').getByRole('option', { name: entry }).first().click();
  }

  /** Answers the box that asks for a text, once it has taken the place of the list that asked before. */
  async answer(text: string): Promise<void> {
    await this.page.locator('.quick-input-list').first().waitFor({ state: 'hidden' });
    const input = this.page.locator('.quick-input-widget input[type=text]').first();
    await input.fill(text);
    await input.press('Enter');
  }

  /** Opens a file by its folder and name, as Go to File does. */
  async openFile(path: string): Promise<void> {
    const [name = path, folder = ''] = path.split('/').reverse();
    await this.page.keyboard.press('F1');
    await this.page.locator('.quick-input-widget input').first().fill(path);
    // The list first shows what was opened before: the file itself must be waited for.
    await this.page
      .locator('.quick-input-list')
      .getByRole('option', { name: new RegExp(`${name}.*${folder}`) })
      .first()
      .click();
    await this.page
      .locator('.tabs-container')
      .getByRole('tab', { name: new RegExp(name) })
      .first()
      .waitFor();
  }

  /**
   * Waits until the editor has written down its tabs with these words: their kinds, titles and states. It does so every few seconds,
   * when it is idle: a page that is loaded again before opens without its tabs, or closes one whose page had no state yet.
   */
  async tabsAreSaved(...words: readonly string[]): Promise<void> {
    const deadline = Date.now() + stepLimitMs;
    while (!(await this.page.evaluate(hasSavedTabs, words))) {
      if (Date.now() > deadline) {
        throw new Error(`The editor did not save its tabs with ${words.join(', ')}.`);
      }
      await wait(200);
    }
  }

  /** The page of a view by its name under `webview/views`, once it is shown and has loaded. */
  async view(name: string, limitMs = stepLimitMs): Promise<Frame> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      for (const frame of this.page.frames()) {
        if (await isView(frame, name)) return frame;
      }
      if (Date.now() > deadline) {
        throw new Error(`The view ${name} was not shown within ${limitMs / 1000} s.`);
      }
      await wait(50);
    }
  }

  /** Moves the mouse over a word of the open code and returns the hover that appears. */
  async hoverOver(word: string): Promise<Locator> {
    const found = this.page.locator('.editor-instance .view-line span', { hasText: word }).last();
    await found.hover();
    const hover = this.page.locator('.monaco-hover:not(.hidden) .hover-contents');
    await hover.first().waitFor();
    return hover;
  }

  /** A message of the editor, by what it says. */
  message(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast, .monaco-dialog-box').filter({ hasText: text }).first();
  }

  /** Changes the theme and waits until it shows. */
  async setTheme(theme: ThemeName): Promise<void> {
    await this.page.keyboard.press(`Control+Alt+Shift+${themeKeys[theme]}`);
    const { kind } = editorThemes[theme];
    const class_ = { 'vscode-light': 'vs', 'vscode-dark': 'vs-dark', 'vscode-high-contrast': 'hc-black' }[
      kind
    ];
    await this.page.locator(`.monaco-workbench.${class_ ?? 'hc-light'}`).waitFor();
  }

  /** Keeps a picture of the window as it is; returns its path. */
  async screenshot(name: string): Promise<string> {
    const path = join(screenshotsDir, `${name}.png`);
    mkdirSync(dirname(path), { recursive: true });
    // A tooltip or a hover of the last click is not part of the picture.
    await this.page.screenshot({ path, animations: 'disabled' });
    return path;
  }

  /**
   * Keeps pictures in the four themes at 800 and 1600 px; leaves the window as it was. `prepare` brings back
   * what changing the theme or the size closes.
   */
  async screenshotsInThemes(
    name: string,
    { prepare, height = 1000 }: { prepare?: () => Promise<void>; height?: number } = {},
  ): Promise<void> {
    const size = this.page.viewportSize();
    for (const theme of Object.keys(editorThemes) as ThemeName[]) {
      await this.setTheme(theme);
      for (const width of [800, 1600]) {
        await this.page.setViewportSize({ width, height });
        await prepare?.();
        await this.screenshot(`${name}-${theme}-${width}`);
        // A menu would take the keys of the next theme.
        if (prepare !== undefined) await this.page.keyboard.press('Escape');
      }
    }
    await this.setTheme('dark');
    if (size !== null) await this.page.setViewportSize(size);
  }
}

/**
 * Pictures a view that the documentation does not show: once as it is, and in the four themes at two widths when all
 * screenshots are asked for (`npm run screenshots`); they take minutes.
 */
export async function pictureView(
  window: StoryWindow,
  name: string,
  prepare?: () => Promise<void>,
): Promise<void> {
  if (process.env['NEURON_INSPECTOR_SCREENSHOTS'] === 'all') {
    await window.screenshotsInThemes(`views/${name}`, prepare === undefined ? {} : { prepare });
  } else {
    await prepare?.();
    await window.screenshot(`views/${name}`);
  }
}

async function succeeds(action: Promise<void>): Promise<boolean> {
  return action.then(
    () => true,
    () => false,
  );
}

async function isView(frame: Frame, name: string): Promise<boolean> {
  if (frame.name() === '' && frame.parentFrame() === null) return false;
  try {
    const isOurs = await frame.evaluate(
      (suffix) =>
        document.querySelector<HTMLScriptElement>('script[type=module]')?.src.endsWith(suffix) === true,
      `/${name}.js`,
    );
    if (!isOurs) return false;
    const outer = await frame.parentFrame()?.frameElement();
    return (await outer?.isVisible()) === true;
  } catch {
    // The frame was replaced meanwhile.
    return false;
  }
}

/** Registers what a file of the story needs: it skips without Chromium and ends the browser after. */
export function useEditor(setup: EditorSetup = {}): () => StoryEditor {
  let editor: StoryEditor | undefined;
  before(async function () {
    if (chromiumPath === undefined) this.skip();
    this.timeout(openLimitMs);
    editor = await StoryEditor.start(setup);
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await editor?.pictureFailure(this.currentTest.title.replaceAll(/[^\w]+/g, '-'));
  });
  after(async () => {
    await editor?.end();
    await closeChromium();
  });
  return () => {
    if (editor === undefined) throw new Error('The editor has not been started.');
    return editor;
  };
}

/** Runs in the editor's page, where a function must hold no other by a name: whether the tabs that it keeps in the browser hold all words. */
async function hasSavedTabs(words: readonly string[]): Promise<boolean> {
  for (const { name } of await indexedDB.databases()) {
    if (name?.startsWith('vscode-web-state-db-') !== true) continue;
    const isThere = await new Promise<boolean>((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onerror = () => {
        reject(new Error(opening.error?.message));
      };
      opening.onsuccess = () => {
        const database = opening.result;
        const items = database.transaction('ItemTable').objectStore('ItemTable');
        const reading = items.get('memento/workbench.parts.editor');
        reading.onerror = () => {
          reject(new Error(reading.error?.message));
        };
        reading.onsuccess = () => {
          database.close();
          const saved: unknown = reading.result;
          resolve(typeof saved === 'string' && words.every((word) => saved.includes(word)));
        };
      };
    });
    if (isThere) return true;
  }
  return false;
}
