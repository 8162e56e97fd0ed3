import { readdir } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { dataEmpty, labelsInvalid } from './dataErrors.js';
import { isImageName } from './dataNames.js';
import { imageSize } from './decodeImage.js';
import { findLabelsFile, labelIndexer, readLabelNames, readLabelsFile } from './labels.js';
import {
  type FieldInfo,
  indicesOf,
  type RawSample,
  type SampleSource,
  type Selection,
  type SourceRequest,
} from './sampleSource.js';
import { shapeMismatch } from './dataErrors.js';

interface ImageLabels {
  readonly indices?: Int32Array;
  readonly names?: readonly string[];
  readonly from?: string;
  readonly warnings: readonly string[];
}

/**
 * Opens an image, or a folder of images; names of sub-folders are the labels. Ids are paths relative to the folder.
 *
 * @throws UserError when there are no images, or the model has not exactly one input for them.
 */
export async function imageSource(request: SourceRequest, isFolder: boolean): Promise<SampleSource> {
  const { path, targets } = request;
  const { images, otherCount } = isFolder ? await listImages(path) : { images: [path], otherCount: 0 };
  const [first] = images;
  if (first === undefined) throw dataEmpty(path, 'no .png, .jpg, .webp, .gif, .tif or .avif file is in it');
  const [target] = targets;
  if (target === undefined || targets.length !== 1) {
    throw shapeMismatch(
      `Images feed one input, and this model takes ${targets.length} (${targets.map(({ name }) => name).join(', ')}). Give an .npz with an array per input.`,
      { inputs: targets.map(({ name }) => name) },
    );
  }
  const [height, width] = await imageSize(first, first);
  const field: FieldInfo = { dims: [height, width, 3], isImage: true, isPixels: true, isConstant: false };
  const ids = images.map((image) =>
    isFolder ? relative(path, image).split(sep).join('/') : basename(image),
  );
  const labels = await readImageLabels(request, ids, isFolder);
  const skipped =
    otherCount === 0
      ? []
      : [`${otherCount} files in ${path} are no images that can be decoded and were left out.`];
  return {
    kind: isFolder ? 'images' : 'image',
    sampleCount: images.length,
    fields: new Map([[target.name, field]]),
    hasLabels: labels.indices !== undefined,
    ...(labels.names === undefined ? {} : { labelNames: labels.names }),
    ...(labels.indices === undefined ? {} : { allLabels: labels.indices }),
    isRandomAccess: true,
    warnings: [...skipped, ...labels.warnings],
    resolved: { from: new Map(), ...(labels.from === undefined ? {} : { labelsFrom: labels.from }) },
    samples: (selection) =>
      imageSamples({ images, ids, input: target.name, labels: labels.indices }, selection),
  };
}

interface ImageList {
  readonly images: readonly string[];
  readonly ids: readonly string[];
  readonly input: string;
  readonly labels: Int32Array | undefined;
}

// Nothing is read here: decoding, the slow part, checks for cancels itself.
// eslint-disable-next-line @typescript-eslint/require-await
async function* imageSamples(
  { images, ids, input, labels }: ImageList,
  selection: Selection,
): AsyncGenerator<RawSample> {
  for (const index of indicesOf(selection)) {
    const path = images[index];
    if (path === undefined) continue;
    const label = labels?.[index];
    const values = new Map([[input, { kind: 'image' as const, content: path, name: path }]]);
    yield { index, id: ids[index] ?? path, values, ...(label === undefined ? {} : { label }) };
  }
}

async function listImages(folder: string): Promise<{ images: string[]; otherCount: number }> {
  const images: string[] = [];
  let otherCount = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory() || entry.name.startsWith('.')) continue;
    if (isImageName(entry.name)) images.push(join(entry.parentPath, entry.name));
    else otherCount++;
  }
  return { images: images.sort(), otherCount };
}

async function readImageLabels(
  { spec, baseDir, classCount, path: folder }: SourceRequest,
  ids: readonly string[],
  isFolder: boolean,
): Promise<ImageLabels> {
  const from = spec?.labels?.from;
  const names = await readLabelNames(spec?.labels, baseDir);
  if (from !== undefined && from !== 'folder') {
    const path = findLabelsFile(from, { baseDir, path: folder }) ?? resolve(baseDir, String(from));
    const labels = await readLabelsFile(path, names);
    if (labels.indices !== undefined && labels.indices.length !== ids.length) {
      throw labelsInvalid(
        `${path} has ${labels.indices.length} labels and there are ${ids.length} images. Give one per image, in the order of their names.`,
      );
    }
    return { ...labels, ...(names === undefined ? {} : { names }) };
  }
  if (!isFolder || !ids.every((id) => id.includes('/'))) {
    if (from === undefined) return { warnings: [], ...(names === undefined ? {} : { names }) };
    throw labelsInvalid(
      'Labels are to come from folder names, and some images are in no sub-folder. Put each into a folder named after its class.',
    );
  }
  return folderLabels(
    ids.map((id) => id.split('/')[0] ?? ''),
    { names, classCount, isWritten: from !== undefined },
  );
}

function folderLabels(
  folders: readonly string[],
  {
    names,
    classCount,
    isWritten,
  }: { names: readonly string[] | undefined; classCount: number | undefined; isWritten: boolean },
): ImageLabels {
  if (names !== undefined) {
    const toIndex = labelIndexer(names);
    const indices = Int32Array.from(folders, (folder) => toIndex(folder, `the folder ${folder}`));
    return { indices, names, from: 'folder', warnings: [] };
  }
  const distinct = [...new Set(folders)].sort();
  if (distinct.every((folder) => /^\d+$/.test(folder))) {
    const warnings = isWritten ? [] : ['Assumed that folder names are class numbers.'];
    return { indices: Int32Array.from(folders, Number), from: 'folder', warnings };
  }
  const warnings = [
    `Assumed that the classes are the folders in alphabetical order: ${distinct.slice(0, 10).join(', ')}. Write them as "labels.names" in an .inspect.json.`,
  ];
  if (classCount !== undefined && classCount !== distinct.length) {
    warnings.push(
      `There are ${distinct.length} folders and the model has ${classCount} classes: the order of folders is probably not the order of classes.`,
    );
  }
  const indices = Int32Array.from(folders, (folder) => distinct.indexOf(folder));
  return { indices, names: distinct, from: 'folder', warnings };
}
