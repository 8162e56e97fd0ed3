import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { findChromium } from '../../scripts/chromium.mjs';

/** Where Chromium is, or undefined; tests that need it then skip by name (`test/QUARANTINE.md`). */
export const chromiumPath: string | undefined = findChromium();

let started: Promise<Browser> | undefined;

/** Returns the browser of this run, started on first use; `closeChromium` ends it. */
export function openChromium(): Promise<Browser> {
  started ??= launch();
  return started;
}

/** Ends the browser of this run, if one was started. */
export async function closeChromium(): Promise<void> {
  const browser = await started;
  started = undefined;
  await browser?.close();
}

async function launch(): Promise<Browser> {
  if (chromiumPath === undefined || !existsSync(chromiumPath)) throw new Error('Chromium is not installed.');
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      // Nothing leaves the machine, not even the browser's own calls home.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-domain-reliability',
      '--disable-sync',
      '--no-pings',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      // The same pixels wherever the screenshots are taken.
      '--font-render-hinting=none',
      '--force-color-profile=srgb',
    ],
  });
}
