#!/usr/bin/env node
// Takes the flags of desktop VS Code that run an extension's tests, runs them in the browser-hosted editor and exits with
// their code: what @vscode/test-electron starts as `vscodeExecutablePath` where the desktop cannot be had.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { launchChromium } from './browser.mjs';
import { editorAddress, newEditorPage } from './editorPage.mjs';
import { startServer } from './server.mjs';

// Of what the editor says, the suite's lines have this mark; all of it goes to the log file.
const mark = '[test] ';
const startLimitMs = 120_000;
const suiteLimitMs = 600_000;

const args = process.argv.slice(2);
const valueOf = (flag) => args.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3);
const opened = args.find((arg) => !arg.startsWith('-'));
const developmentPath = valueOf('extensionDevelopmentPath');
const testsPath = valueOf('extensionTestsPath');
if (developmentPath === undefined || testsPath === undefined) {
  console.error('Give --extensionDevelopmentPath= and --extensionTestsPath=.');
  process.exit(2);
}

const dataDir = mkdtempSync(join(tmpdir(), 'neuron-inspector-editor-'));
const server = await startServer({
  dataDir,
  settings: JSON.parse(process.env.NEURON_INSPECTOR_EDITOR_SETTINGS ?? '{}'),
  args: [
    '--without-connection-token',
    // The page's payload is ignored without it.
    '--enable-smoke-test-driver',
    ...args.filter((arg) => arg === '--disable-workspace-trust'),
  ],
});
const browser = await launchChromium();
const log = [];
let exitCode = 1;
try {
  exitCode = await runSuite();
} catch (error) {
  console.error(error.message);
  console.error([server.log(), ...log].join('\n').slice(-10_000));
} finally {
  const logFile = process.env.NEURON_INSPECTOR_EDITOR_LOG;
  if (logFile !== undefined) writeFileSync(logFile, [server.log(), ...log].join('\n'));
  await browser.close();
  await server.end();
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(exitCode);

/** Opens the window with the tests in it and waits for the suite's exit code. */
async function runSuite() {
  const page = await newEditorPage(browser);
  const limits = [];
  const ended = new Promise((resolve, reject) => {
    const limit = (ms, text) => limits.push(setTimeout(() => reject(new Error(text)), ms));
    limit(startLimitMs, `No test began within ${startLimitMs / 1000} s of opening the editor.`);
    limit(suiteLimitMs, `The tests did not end within ${suiteLimitMs / 1000} s.`);
    page.once('crash', () => reject(new Error('The page of the editor crashed.')));
    void page.exposeFunction('codeAutomationExit', (code) => resolve(code));
  });
  await page.exposeFunction('codeAutomationLog', (_severity, values) => {
    const line = format(...values.map(String)).trimEnd();
    log.push(line);
    if (!line.startsWith(mark)) return;
    clearTimeout(limits[0]);
    console.log(line.slice(mark.length));
  });
  await page.goto(editorAddress(server, { open: opened, developmentPaths: [developmentPath], testsPath }));
  try {
    return await ended;
  } finally {
    for (const limit of limits) clearTimeout(limit);
  }
}
