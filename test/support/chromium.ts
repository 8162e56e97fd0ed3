import type { Browser } from 'playwright-core';
import { launchChromium } from '../../scripts/editor/browser.mjs';
import { findChromium } from '../../scripts/editor/chromium.mjs';

/** Where Chromium is, or undefined; tests that need it then skip by name (`test/QUARANTINE.md`). */
export const chromiumPath: string | undefined = findChromium();

let started: Promise<Browser> | undefined;

/** Returns the browser of this run, started on first use; `closeChromium` ends it. */
export function openChromium(): Promise<Browser> {
  started ??= launchChromium();
  return started;
}

/** Ends the browser of this run, if one was started. */
export async function closeChromium(): Promise<void> {
  const browser = await started;
  started = undefined;
  await browser?.close();
}
