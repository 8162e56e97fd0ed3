import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from '../../support/paths.js';

describe('the commands on the page of papers', () => {
  const page = readFileSync(join(rootDir, 'docs', 'papers.md'), 'utf8');
  const commands = [...page.matchAll(/^ {2}- (?:Command line|On a sample): `([^`]+)`$/gmu)].map(
    ([, command = '']) => command,
  );

  it('are what a shell takes as one command: what it would split or expand is quoted', () => {
    assert.ok(commands.length > 60, String(commands.length));
    for (const command of commands) {
      assert.doesNotMatch(command.replaceAll(/"[^"]*"/gu, ''), /[;*?|&<>$]/u, command);
    }
  });

  it('on a sample name files that are there', () => {
    const files = commands.flatMap((command) => command.match(/sample-models\/\S+/gu) ?? []);
    assert.ok(files.length > 40, String(files.length));
    for (const file of files) assert.ok(existsSync(join(rootDir, file)), file);
  });
});
