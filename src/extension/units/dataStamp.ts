import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Larger files are no inspect files. */
const maxInspectFileBytes = 2 ** 20;

/**
 * Returns text that changes when a data set does: size and time of its file or folder, and of the files that an inspect
 * file names. What changes inside a folder without changing the folder's own time goes unseen.
 */
export async function dataStampOf(dataPath: string): Promise<string> {
  const stamps = [await fileStampOf(dataPath)];
  if (dataPath.endsWith('.json')) {
    for (const path of await namedPaths(dataPath)) stamps.push(await fileStampOf(path));
  }
  return stamps.join(' ');
}

async function fileStampOf(path: string): Promise<string> {
  try {
    const { size, mtimeMs } = await stat(path);
    return `${String(size)}@${String(mtimeMs)}`;
  } catch {
    return 'missing';
  }
}

/** Paths of data and labels in an inspect file; none when it is not one, which the engine will say. */
async function namedPaths(inspectPath: string): Promise<readonly string[]> {
  try {
    const { size } = await stat(inspectPath);
    if (size > maxInspectFileBytes) return [];
    const parsed: unknown = JSON.parse(await readFile(inspectPath, 'utf8'));
    const data = field(parsed, 'data');
    const dataPath = field(data, 'path');
    if (typeof dataPath !== 'string') return [];
    const whole = resolve(dirname(inspectPath), dataPath);
    const labels = field(field(data, 'labels'), 'from');
    return typeof labels === 'string' ? [whole, resolve(dirname(whole), labels)] : [whole];
  } catch {
    return [];
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
