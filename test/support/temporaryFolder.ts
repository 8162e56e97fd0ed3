import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes an empty folder before each test, or once for all tests of the suite, and removes it after; returns its (real) path. */
export function useTemporaryFolder(lifetime: 'test' | 'suite' = 'test'): () => string {
  let folder = '';
  const [set, clear] = lifetime === 'test' ? [beforeEach, afterEach] : [before, after];
  set(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'neuron-inspector-')));
  });
  clear(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}
