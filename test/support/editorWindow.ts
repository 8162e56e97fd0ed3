import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../scripts/editor/browser.mjs';
import { findChromium } from '../../scripts/editor/chromium.mjs';
import { editorAddress, newEditorPage } from '../../scripts/editor/editorPage.mjs';
import { hostEditor } from '../../scripts/editor/hostEditor.mjs';
import { type EditorServer, startServer } from '../../scripts/editor/server.mjs';
import { copySamples } from '../../scripts/editor/windows.mjs';

/** Whether the browser-hosted editor and its screen are there; tests that need them skip by name otherwise. */
export const hasEditorWindow = existsSync(hostEditor.server) && findChromium() !== undefined;

/** Where a window's server keeps what it writes. */
export interface WindowFolders {
  readonly root: string;
  readonly extensionsDir: string;
  readonly serverDir: string;
}

/** What happens before a window opens. */
export interface WindowSetup {
  /** Puts extensions into `extensionsDir`. */
  readonly install: (folders: WindowFolders) => void;
  /** Language that the workbench asks extensions for. */
  readonly language?: string;
}

/** A window of the editor with the sample models open. */
export interface EditorWindow {
  readonly page: Page;
  readonly folders: WindowFolders;
}

/** Opens a window with extensions of its own before the suite's tests and ends it, with all it wrote, after them. */
export function useEditorWindow({ install, language }: WindowSetup): EditorWindow {
  let browser: Browser | undefined;
  let server: EditorServer | undefined;
  let page: Page | undefined;
  let folders: WindowFolders | undefined;

  before(async () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'neuron-inspector-window-')));
    folders = { root, extensionsDir: join(root, 'extensions'), serverDir: join(root, 'server') };
    install(folders);
    const args = ['--without-connection-token', '--disable-workspace-trust'];
    server = await startServer({ dataDir: folders.serverDir, extensionsDir: folders.extensionsDir, args });
    browser = await launchChromium();
    page = await newEditorPage(browser);
    if (language !== undefined) {
      // The workbench's own texts stay English; extensions are asked for theirs.
      await page.addInitScript((name) => {
        Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: name });
      }, language);
    }
    await page.goto(editorAddress(server, { open: copySamples(join(root, 'work')) }));
  });

  after(async () => {
    await browser?.close();
    await server?.end();
    if (folders !== undefined) rmSync(folders.root, { recursive: true, force: true });
  });

  return {
    get page() {
      return opened(page);
    },
    get folders() {
      return opened(folders);
    },
  };
}

function opened<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The window of the editor is not open yet.');
  return value;
}
