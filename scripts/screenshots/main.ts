// `npm run screenshots -- reports [SET]`: opens the reports of `reportList.ts` in the real editor and pictures each as long as it
// is, in the four themes at two widths, under `.cache/screenshots/story/reports`. Reports are made once and kept.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Report } from '../../src/protocol/report.js';
import { ensureHostEditor } from '../editor/hostEditor.mjs';
import { closeChromium } from '../../test/support/chromium.js';
import { rootDir } from '../../test/support/paths.js';
import { StoryEditor, type StoryWindow } from '../../test/support/storyEditor.js';
import { type PicturedReport, reportSets } from './reportList.js';

const kept = join(rootDir, '.cache', 'screenshots', 'reports');

/** High enough for what a report says before its long tables. */
const height = 2400;

function reportFile({ analysis, sample, args }: PicturedReport): string {
  const file = join(kept, `${analysis}.nireport.json`);
  if (existsSync(file)) return file;
  const folder = join(rootDir, 'sample-models', sample);
  // Text is written without data.
  const data = analysis === 'generate' ? [] : ['--data', join(folder, `${sample}.inspect.json`)];
  const { status } = spawnSync(
    process.execPath,
    [
      ...[join(rootDir, 'dist', 'cli.js'), 'run', analysis, join(folder, `${sample}.onnx`)],
      ...[...data, ...args, '--report', file],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (status !== 0 || !existsSync(file)) throw new Error(`${analysis} of ${sample} left no report.`);
  return file;
}

async function picture(reports: readonly PicturedReport[]): Promise<void> {
  mkdirSync(kept, { recursive: true });
  const files = reports.map(reportFile);
  const editor = await StoryEditor.start();
  try {
    const folder = join(editor.samples, 'reports');
    mkdirSync(folder);
    for (const file of files) copyFileSync(file, join(folder, basename(file)));
    const window = await editor.openWindow();
    await window.showSideBar('Explorer');
    await window.treeItem('reports').click();
    for (const file of files) {
      const name = basename(file, '.nireport.json');
      await window.treeItem(basename(file)).click();
      await reportOf(window, file);
      await window.screenshotsInThemes(`reports/${name}`, { height });
      console.log(`  ${name}`);
    }
  } finally {
    await editor.end();
    await closeChromium();
  }
}

ensureHostEditor();
/** Waits until the page shows a report, and not the one before it. */
async function reportOf(window: StoryWindow, file: string): Promise<void> {
  // Written by this version's command line.
  const { summary } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  for (;;) {
    const page = await window.view('report');
    const shown = await page
      .getByText(summary, { exact: true })
      .first()
      .waitFor({ timeout: 3000 })
      .then(
        () => true,
        () => false,
      );
    if (shown) return;
  }
}

const [chosen] = process.argv.slice(2);
const sets = chosen === undefined ? reportSets : reportSets.slice(Number(chosen) - 1, Number(chosen));
for (const reports of sets) await picture(reports);
