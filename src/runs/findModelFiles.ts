import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import { listFiles } from '../data/listFiles.js';

/** Model files that a path stands for. */
export interface FoundModels {
  /** Absolute, in natural order: numbers in names are compared as numbers, so that step-9 comes before step-10. */
  readonly paths: readonly string[];
  /** Name of each: its path below the folder without `.onnx`. */
  readonly names: readonly string[];
}

/**
 * Returns the `.onnx` files of a path, or of several with `;` between them: a file; a folder, whose own models are meant and, where it has none, those in its
 * sub-folders; or a pattern with `*` and `?` (within a name) and `**` (any number of folders).
 *
 * A relative path starts at the working directory, as `--data` does.
 *
 * @throws UserError `no-models` when there is nothing of the kind.
 */
export async function findModelFiles(path: string): Promise<FoundModels> {
  const facts = await stat(resolve(path)).catch(() => undefined);
  if (facts !== undefined || !path.includes(';')) return findInOne(path);
  const several = path.split(';').filter((part) => part.trim() !== '');
  const found = await Promise.all(several.map((part) => findInOne(part.trim())));
  const paths = [...new Set(found.flatMap((each) => each.paths))];
  // Names from where their paths part, so that no two are one.
  const folder = commonFolder(paths);
  const files = paths.map((file) => ({ file, id: file.slice(folder.length).replaceAll('\\', '/') }));
  return inOrder(files, path, folder);
}

/** The longest folder that all paths are in, with its separator at the end. */
function commonFolder(paths: readonly string[]): string {
  const [first = '', ...others] = paths;
  let length = Math.max(first.lastIndexOf('/'), first.lastIndexOf('\\')) + 1;
  while (length > 0 && !others.every((other) => other.startsWith(first.slice(0, length)))) {
    length = Math.max(first.lastIndexOf('/', length - 2), first.lastIndexOf('\\', length - 2)) + 1;
  }
  return first.slice(0, length);
}

async function findInOne(path: string): Promise<FoundModels> {
  const absolute = resolve(path);
  const facts = await stat(absolute).catch(() => undefined);
  if (facts !== undefined) {
    const list = await modelsUnder(absolute, facts.isDirectory());
    const direct = list.filter(({ id }) => !id.includes('/'));
    return inOrder(direct.length > 0 ? direct : list, path, absolute);
  }
  if (!/[*?]/.test(path)) {
    throw noModels(path, `there is no file or folder ${absolute}`);
  }
  const parts = absolute.split(/[\\/]/);
  const first = parts.findIndex((part) => /[*?]/.test(part));
  const folder = parts.slice(0, first).join('/') || '/';
  const matches = patternOf(parts.slice(first));
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw noModels(path, `there is no folder ${folder}`);
  const found = await modelsUnder(folder, true);
  return inOrder(
    found.filter(({ id }) => matches.test(id)),
    path,
    folder,
  );
}

interface ModelFile {
  readonly file: string;
  /** Path below the folder, with forward slashes. */
  readonly id: string;
}

async function modelsUnder(path: string, isFolder: boolean): Promise<readonly ModelFile[]> {
  const isWanted = (name: string): boolean => name.toLowerCase().endsWith('.onnx');
  const { files, ids } = await listFiles(path, { isFolder, isWanted });
  return files.map((file, index) => ({ file: join(file), id: ids[index] ?? file }));
}

const naturalOrder = new Intl.Collator('en', { numeric: true });

function inOrder(found: readonly ModelFile[], path: string, folder: string): FoundModels {
  if (found.length === 0) throw noModels(path, `no .onnx file of ${folder} fits`);
  const sorted = [...found].sort((a, b) => naturalOrder.compare(a.id, b.id));
  return {
    paths: sorted.map(({ file }) => file),
    names: sorted.map(({ id }) => id.replace(/\.onnx$/i, '')),
  };
}

/** A pattern over paths below a folder, with forward slashes. */
function patternOf(parts: readonly string[]): RegExp {
  const sources = parts.map((part, index) => {
    const isLast = index === parts.length - 1;
    if (part === '**') return isLast ? '.*' : '(?:[^/]+/)*';
    const name = part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]');
    return isLast ? name : `${name}/`;
  });
  return new RegExp(`^${sources.join('')}$`);
}

function noModels(path: string, reason: string): UserError {
  return new UserError(
    'no-models',
    `"${path}" names no models: ${reason}. Give an .onnx file, a folder of them, or a pattern such as checkpoints/step-*.onnx; a relative path starts at the working directory.`,
    { detail: { path } },
  );
}
