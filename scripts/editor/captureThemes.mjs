// `node scripts/editor/captureThemes.mjs`: writes test/fixtures/editorThemes.json, what the real workbench gives a webview
// in each kind of theme. Run it when the host editor's version changes.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled, rootDir } from '../setup.mjs';
import { ensureHostEditor } from './hostEditor.mjs';

ensureInstalled();
ensureHostEditor();
const { launchChromium } = await import('./browser.mjs');
const { editorAddress, newEditorPage } = await import('./editorPage.mjs');
const { startServer } = await import('./server.mjs');

const themeIds = {
  light: 'Light Modern',
  dark: 'Dark Modern',
  'high-contrast-light': 'Default High Contrast Light',
  'high-contrast': 'Default High Contrast',
};
const page = `exports.activate = () => {
  const { window } = require('vscode');
  window.createWebviewPanel('blank', 'Blank', 1, { enableScripts: true }).webview.html =
    '<html><head></head><body><p>blank</p></body></html>';
};`;

const folder = mkdtempSync(join(tmpdir(), 'neuron-inspector-themes-'));
const extension = join(folder, 'extension');
mkdirSync(extension);
mkdirSync(join(folder, 'open'));
writeFileSync(
  join(extension, 'package.json'),
  JSON.stringify({
    ...{ name: 'blank', publisher: 'test', version: '1.0.0', engines: { vscode: '^1.100.0' } },
    ...{ main: './main.js', activationEvents: ['onStartupFinished'] },
  }),
);
writeFileSync(join(extension, 'main.js'), page);

const browser = await launchChromium();
const captured = { defaultStyle: '', themes: {} };
try {
  for (const [name, id] of Object.entries(themeIds)) {
    const { defaultStyle, ...theme } = await capture(id);
    captured.defaultStyle = defaultStyle;
    captured.themes[name] = theme;
    console.log(`${name}: ${Object.keys(theme.variables).length} variables`);
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
const target = join(rootDir, 'test', 'fixtures', 'editorThemes.json');
writeFileSync(target, `${JSON.stringify(captured, null, 1)}\n`);

async function capture(id) {
  const server = await startServer({
    dataDir: join(folder, id),
    settings: { 'workbench.colorTheme': id },
    args: ['--without-connection-token', '--disable-workspace-trust', '--enable-smoke-test-driver'],
  });
  const editor = await newEditorPage(browser);
  try {
    await editor.goto(editorAddress(server, { open: join(folder, 'open'), developmentPaths: [extension] }));
    const frame = editor.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
    // The theme of the settings comes after a first one.
    await frame.locator(`body[data-vscode-theme-id="${id}"] p`).waitFor({ timeout: 180_000 });
    return await frame.locator('body').evaluate(readTheme);
  } finally {
    await editor.context().close();
    await server.end();
  }
}

/** Runs in the webview. */
function readTheme(body) {
  const { style } = document.documentElement;
  const names = Array.from(style).sort();
  return {
    kind: body.dataset.vscodeThemeKind,
    id: body.dataset.vscodeThemeId,
    label: body.dataset.vscodeThemeName,
    bodyClass: Array.from(body.classList)
      .filter((name) => name !== 'vscode-reduce-motion')
      .join(' '),
    variables: Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name)])),
    defaultStyle: document.querySelector('#_defaultStyles').textContent.replaceAll(/\t+/g, ' '),
  };
}
