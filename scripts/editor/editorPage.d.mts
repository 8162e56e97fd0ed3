import type { Browser, Page } from 'playwright-core';

/** Where the editor's page is reached with a folder or a `.code-workspace` open, or nothing. */
export function editorAddress(
  server: { readonly address: string },
  options?: {
    readonly open?: string;
    readonly developmentPaths?: readonly string[];
    readonly testsPath?: string;
  },
): string;

/** Makes a page that reaches this machine only, of a context of its own: its storage is that of a new user. */
export function newEditorPage(
  browser: Browser,
  options?: { readonly width?: number; readonly height?: number; readonly scale?: number },
): Promise<Page>;
