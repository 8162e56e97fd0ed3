import type { Browser } from 'playwright-core';

/** Starts Chromium without a window; it reaches this machine only. Throws an Error that says what to install. */
export function launchChromium(): Promise<Browser>;
