// Starts the Chromium that is the screen of pages and of the host editor.
import { chromium } from 'playwright-core';
import { findChromium } from './chromium.mjs';

/** Starts Chromium without a window; it reaches this machine only. Throws an Error that says what to install. */
export async function launchChromium() {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error('Chromium is not installed. Install it (Debian: apt-get install chromium).');
  }
  return chromium.launch({
    executablePath,
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
