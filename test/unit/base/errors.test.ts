import assert from 'node:assert/strict';
import { runInThisContext } from 'node:vm';
import { buildSync } from 'esbuild';
import { UserError } from '../../../src/base/errors.js';
import { rootDir } from '../../support/paths.js';

/** Loads the module anew, as another bundle has it. */
function anotherCopy(): { readonly UserError: typeof UserError } {
  const { outputFiles } = buildSync({
    absWorkingDir: rootDir,
    entryPoints: ['src/base/errors.ts'],
    bundle: true,
    format: 'cjs',
    write: false,
  });
  const module = { exports: {} as { UserError: typeof UserError } };
  const load = runInThisContext(`(module, exports) => {${outputFiles[0]?.text ?? ''}}`) as (
    own: typeof module,
    exports: object,
  ) => void;
  load(module, module.exports);
  return module.exports;
}

describe('a UserError', () => {
  it('is known as one in every bundle', () => {
    const { UserError: Other } = anotherCopy();
    assert.notEqual(Other, UserError);
    const error: unknown = new Other('not-a-report', 'It is none.');
    assert.ok(error instanceof UserError);
    assert.equal(error.code, 'not-a-report');
  });

  it('is not any other error, nor anything else', () => {
    for (const other of [new Error('a bug'), { code: 'not-a-report' }, null, undefined, 'text']) {
      assert.ok(!(other instanceof UserError));
    }
  });
});
