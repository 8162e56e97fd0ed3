import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderDependencies } from '../../../scripts/dependencies/renderDependencies.js';
import { UserError } from '../../../src/base/errors.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

describe('the table of dependencies', () => {
  const folder = useTemporaryFolder();
  const declared = { dependencies: { lit: '^3' }, devDependencies: { '@x/mocha': '^12' } };

  it('says of each package why it is there, its licence and its own size', () => {
    put('lit/package.json', '{"license":"BSD-3-Clause"}');
    put('lit/dist/index.js', 'x'.repeat(1_500_000));
    put('lit/node_modules/other/index.js', 'x'.repeat(9_000_000));
    put('@x/mocha/package.json', `{"license":"MIT"}${' '.repeat(12_000 - 17)}`);
    const text = renderDependencies(folder(), declared, { lit: 'Pages.', '@x/mocha': 'Tests.' });
    assert.match(text, /## Part of the program[^#]*\| `lit` \| Pages\. \| BSD-3-Clause \| 1\.5 MB \|/);
    assert.match(text, /## For building and testing only[^#]*\| `@x\/mocha` \| Tests\. \| MIT \| 12 kB \|/);
  });

  it('is refused when a package has no reason, or a reason no package', () => {
    assert.throws(
      () => renderDependencies(folder(), declared, { lit: 'Pages.', gone: 'Was needed.' }),
      (error) =>
        error instanceof UserError &&
        error.message.startsWith(
          'No reason is given for @x/mocha. gone is no longer in package.json. Mend scripts/dependencies/reasons.ts',
        ),
    );
  });

  function put(path: string, text: string): void {
    const full = join(folder(), 'node_modules', path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
});
