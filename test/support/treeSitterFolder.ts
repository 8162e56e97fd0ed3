import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { rootDir } from './paths.js';

/** Returns a folder with the runtime and grammars under the names that the build gives them. */
export function treeSitterFolder(): string {
  const from = dirname(createRequire(import.meta.url).resolve('@vscode/tree-sitter-wasm'));
  const to = join(rootDir, '.cache', 'tree-sitter');
  mkdirSync(to, { recursive: true });
  const copy = (source: string, target = source): void => {
    if (!existsSync(join(to, target))) copyFileSync(join(from, source), join(to, target));
  };
  copy('tree-sitter.js', 'tree-sitter.cjs');
  copy('tree-sitter.wasm');
  for (const name of ['python', 'typescript', 'tsx', 'javascript']) copy(`tree-sitter-${name}.wasm`);
  return to;
}
