import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCapabilities } from '../../src/extension/manifest/capabilities.js';
import { makeContributes, type ManifestTexts } from '../../src/extension/manifest/contributes.js';
import { activationEvents } from '../../src/extension/manifest/panels.js';
import { rootDir } from '../../test/support/paths.js';

const texts: ManifestTexts = {};
const contributes = makeContributes(texts);
const capabilities = makeCapabilities(texts);
const packagePath = join(rootDir, 'package.json');
const manifest = JSON.parse(readFileSync(packagePath, 'utf8')) as Record<string, unknown>;
const sorted = Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
const files: Readonly<Record<string, string>> = {
  'package.json': jsonOf({ ...manifest, capabilities, contributes, activationEvents }),
  'package.nls.json': jsonOf(sorted),
};

const isCheck = process.argv.includes('--check');
let staleCount = 0;
for (const [name, text] of Object.entries(files)) {
  const path = join(rootDir, name);
  if (!isCheck) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`  ${name} is not what src/extension/manifest says: run npm run manifest.`);
    staleCount++;
  }
}
process.exit(staleCount > 0 ? 1 : 0);

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
