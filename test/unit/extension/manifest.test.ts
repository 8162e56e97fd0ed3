import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { analyses } from '../../../src/analyses/registry.js';
import { makeCapabilities } from '../../../src/extension/manifest/capabilities.js';
import { makeContributes, type ManifestTexts } from '../../../src/extension/manifest/contributes.js';
import { parseThreshold } from '../../../src/runs/thresholds.js';
import { rootDir } from '../../support/paths.js';

interface Contributes {
  readonly commands: readonly {
    readonly command: string;
    readonly title: string;
    readonly category: string;
  }[];
  readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
  readonly viewsContainers: { readonly activitybar: readonly { readonly icon: string }[] };
  readonly configuration: {
    readonly properties: Readonly<
      Record<string, { readonly default?: unknown; readonly enum?: readonly unknown[] }>
    >;
  };
}

describe('what the extension contributes', () => {
  const texts: ManifestTexts = {};
  // The generator returns plain JSON; these are the parts the tests look at.
  const contributes = makeContributes(texts) as unknown as Contributes;
  const capabilities = makeCapabilities(texts);

  it('has one command for each analysis, all under one category', () => {
    const ids = contributes.commands.map(({ command }) => command);
    for (const { id } of analyses) assert.ok(ids.includes(`neuronInspector.run.${id}`), id);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(new Set(contributes.commands.map(({ category }) => category)).size, 1);
  });

  it('puts only existing commands into menus', () => {
    const ids = new Set(contributes.commands.map(({ command }) => command));
    for (const entries of Object.values(contributes.menus)) {
      for (const { command } of entries) assert.ok(ids.has(command), command);
    }
  });

  it('has a text for every key and no text that nothing names', () => {
    const named = [...JSON.stringify({ capabilities, contributes }).matchAll(/"%([^%"]+)%"/g)].map(
      (match) => match[1],
    );
    assert.deepEqual([...new Set(named)].sort(), Object.keys(texts).sort());
    assert.ok(Object.values(texts).every((text) => text.trim() !== ''));
  });

  it('restricts settings that exist, and says in texts that can be translated what it cannot do', () => {
    const { untrustedWorkspaces, virtualWorkspaces } = capabilities as Record<
      'untrustedWorkspaces' | 'virtualWorkspaces',
      { readonly description: string; readonly restrictedConfigurations?: readonly string[] }
    >;
    const settings = Object.keys(contributes.configuration.properties);
    const restricted = untrustedWorkspaces.restrictedConfigurations ?? [];
    assert.ok(restricted.length > 0 && restricted.every((key) => settings.includes(key)));
    for (const { description } of [untrustedWorkspaces, virtualWorkspaces]) {
      assert.match(description, /^%[\w.]+%$/);
    }
  });

  it('names icons that exist', () => {
    for (const { icon } of contributes.viewsContainers.activitybar) {
      assert.ok(existsSync(join(rootDir, icon)), icon);
    }
  });

  it('has defaults that its own choices allow', () => {
    for (const [key, setting] of Object.entries(contributes.configuration.properties)) {
      assert.notEqual(setting.default, undefined, key);
      if (setting.enum !== undefined) assert.ok(setting.enum.includes(setting.default), key);
    }
  });

  it('accepts as a limit in the settings what --fail-on takes', () => {
    const manifest = JSON.parse(readFileSync(join(rootDir, 'package.json'), 'utf8')) as {
      contributes: {
        configuration: {
          properties: Record<string, { additionalProperties?: { items: { pattern: string } } }>;
        };
      };
    };
    const schema = manifest.contributes.configuration.properties['neuronInspector.thresholds'];
    const pattern = new RegExp(schema?.additionalProperties?.items.pattern ?? 'missing');
    for (const text of ['deadShare>0.1', 'deadCount <= 3', 'deadShare == 0', 'deadShare>1e-3']) {
      assert.ok(pattern.test(text), text);
      parseThreshold(text, ['deadShare', 'deadCount']);
    }
    for (const text of ['deadShare', '>0.1', 'deadShare=0.1']) {
      assert.ok(!pattern.test(text), text);
      assert.throws(() => parseThreshold(text, ['deadShare']));
    }
  });
});
