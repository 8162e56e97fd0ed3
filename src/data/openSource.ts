import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { arraySource } from './arraySource.js';
import { audioSource } from './audio/audioSource.js';
import { fileSource } from './byteSource.js';
import { csvSource } from './csvSource.js';
import { dataEmpty, dataNotFound, dataUnsupported, listOf } from './dataErrors.js';
import { idxLabelsNameOf, isAudioName, isImageName, isTextName, kindByExtension } from './dataNames.js';
import { looksLikeGzip, looksLikeIdx, openIdx } from './idx.js';
import { imageSource } from './imageSource.js';
import type { NamedArray } from './namedArray.js';
import { openNpy } from './openNpy.js';
import { openNpz } from './npz.js';
import { onnxPbSource, testDataSets } from './onnxPbSource.js';
import { parquetSource } from './parquetSource.js';
import type { SampleSource, SourceRequest } from './sampleSource.js';
import { textRowSource } from './text/textRows.js';
import { textSource } from './text/textSource.js';

type Kind = 'npy' | 'npz' | 'idx' | 'csv' | 'parquet' | 'image' | 'images' | 'onnx-pb' | 'audio' | 'text';

/**
 * Opens data of any kind that we read, told by its name, its first bytes, or what a folder holds.
 *
 * @throws UserError `data-not-found`, `data-unsupported`, `data-empty`, or the reader's own.
 */
export async function openSource(request: SourceRequest): Promise<SampleSource> {
  const { path, spec } = request;
  const stats = await stat(path).catch((cause: unknown) => {
    throw dataNotFound(path, cause);
  });
  const isFolder = stats.isDirectory();
  if (!isFolder && stats.size === 0) throw dataEmpty(path, 'the file is empty');
  const kind = kindOf(path, spec?.kind) ?? (isFolder ? await folderKind(path) : await fileKind(path));
  return openKind(kind, request, isFolder);
}

function openKind(kind: Kind, request: SourceRequest, isFolder: boolean): Promise<SampleSource> {
  switch (kind) {
    case 'csv':
      return holdsTexts(request) ? textRowSource(request) : csvSource(request);
    case 'parquet':
      return parquetSource(request);
    case 'image':
    case 'images':
      return imageSource(request, isFolder);
    case 'text':
      return textSource(request, isFolder);
    case 'audio':
      return audioSource(request, isFolder);
    case 'onnx-pb':
      return onnxPbSource(request, isFolder);
    case 'npz':
      return npzSource(request);
    case 'npy':
      return npySource(request, isFolder);
    case 'idx':
      return idxSource(request, isFolder);
  }
}

/** Whether a table's columns are texts to be encoded: the inspect file says so of an input. */
function holdsTexts({ spec }: SourceRequest): boolean {
  return Object.values(spec?.inputs ?? {}).some(({ text }) => text !== undefined);
}

const kinds: readonly Kind[] = [
  'npy',
  'npz',
  'idx',
  'csv',
  'parquet',
  'image',
  'images',
  'onnx-pb',
  'audio',
  'text',
];

function kindOf(path: string, written: string | undefined): Kind | undefined {
  if (written === undefined) return undefined;
  const kind = kinds.find((known) => known === written);
  if (kind !== undefined) return kind;
  throw dataUnsupported(path, `"kind": "${written}" is none of ${kinds.join(', ')}`);
}

async function folderKind(path: string): Promise<Kind> {
  const names = await readdir(path);
  if (names.length === 0) throw dataEmpty(path, 'the folder is empty');
  if ((await testDataSets(path)).length > 0) return 'onnx-pb';
  if (names.some((name) => idxLabelsNameOf(name) !== undefined)) return 'idx';
  if (names.some((name) => name.endsWith('.npy'))) return 'npy';
  const all = await readdir(path, { recursive: true });
  if (all.some(isImageName)) return 'images';
  if (all.some(isAudioName)) return 'audio';
  if (all.some(isTextName)) return 'text';
  throw dataUnsupported(path, `the folder holds none of what we read, but ${listOf(names)}`);
}

async function fileKind(path: string): Promise<Kind> {
  if (isImageName(path)) return 'image';
  if (isTextName(path)) return 'text';
  const kind = kindByExtension.get(extname(path).toLowerCase());
  if (kind !== undefined) return kind;
  const handle = await open(path);
  try {
    return await kindByContent(path, handle);
  } finally {
    await handle.close();
  }
}

async function kindByContent(path: string, handle: FileHandle): Promise<Kind> {
  const { buffer, bytesRead } = await handle.read(new Uint8Array(8), 0, 8, 0);
  const prefix = buffer.subarray(0, bytesRead);
  const text = Buffer.from(prefix).toString('latin1');
  if (text.startsWith('\x93NUMPY')) return 'npy';
  if (text.startsWith('PK\x03\x04')) return 'npz';
  if (/^(RIFF|RF64)/.test(text)) return 'audio';
  if (text.startsWith('PAR1')) return 'parquet';
  if (looksLikeIdx(prefix) || (looksLikeGzip(prefix) && /idx\d/.test(basename(path)))) return 'idx';
  throw dataUnsupported(path, 'neither its name nor its first bytes are of a kind that we read');
}

async function npzSource(request: SourceRequest): Promise<SampleSource> {
  const arrays = await openNpz(await fileSource(request.path));
  if (arrays.length === 0) throw dataEmpty(request.path, 'there is no array in the archive');
  return arraySource(request, arrays, { kind: 'npz', isPixels: false });
}

/** A file feeds the only input (or the one it is named after); in a folder each file is an array of its name. */
async function npySource(request: SourceRequest, isFolder: boolean): Promise<SampleSource> {
  const { path, targets } = request;
  const files = isFolder
    ? (await readdir(path)).filter((name) => name.endsWith('.npy')).map((name) => join(path, name))
    : [path];
  const arrays: NamedArray[] = [];
  for (const file of files.sort()) {
    const name = targets.length === 1 && !isFolder ? (targets[0]?.name ?? '') : basename(file, '.npy');
    arrays.push(await openNpy(await fileSource(file), name));
  }
  return arraySource(request, arrays, { kind: 'npy', isPixels: false });
}

async function idxSource(request: SourceRequest, isFolder: boolean): Promise<SampleSource> {
  const { path, spec, targets } = request;
  const images = isFolder ? await onlyImages(path) : path;
  const arrays = [await openIdx(images, targets[0]?.name ?? '')];
  const labelsName = idxLabelsNameOf(basename(images));
  const labels = labelsName === undefined ? undefined : join(dirname(images), labelsName);
  if ((spec?.labels?.from ?? 'labels') === 'labels' && labels !== undefined && (await exists(labels))) {
    arrays.push(await openIdx(labels, 'labels'));
  }
  return arraySource({ ...request, path: images }, arrays, { kind: 'idx', isPixels: true });
}

async function onlyImages(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => idxLabelsNameOf(name) !== undefined).sort();
  const [only] = names;
  if (only !== undefined && names.length === 1) return join(folder, only);
  throw dataUnsupported(folder, `it holds several sets of images (${listOf(names)}); give the file of one`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
