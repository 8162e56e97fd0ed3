import { dataEmpty } from './dataErrors.js';
import { isImageName } from './dataNames.js';
import { imageSize } from './decodeImage.js';
import { readFileLabels } from './fileLabels.js';
import { listFiles } from './listFiles.js';
import {
  type FieldInfo,
  indicesOf,
  type RawSample,
  type SampleSource,
  type Selection,
  type SourceRequest,
} from './sampleSource.js';
import { onlyTarget } from './inputTargets.js';

/**
 * Opens an image, or a folder of images; names of sub-folders are the labels. Ids are paths relative to the folder.
 *
 * @throws UserError when there are no images, or the model has not exactly one input for them.
 */
export async function imageSource(request: SourceRequest, isFolder: boolean): Promise<SampleSource> {
  const { path, targets } = request;
  const list = await listFiles(path, { isFolder, isWanted: isImageName });
  const { files: images, ids, otherCount } = list;
  const [first] = images;
  if (first === undefined) throw dataEmpty(path, 'no .png, .jpg, .webp, .gif, .tif or .avif file is in it');
  const target = onlyTarget(targets, 'Images');
  const [height, width] = await imageSize(first, first);
  const field: FieldInfo = { dims: [height, width, 3], isImage: true, isPixels: true, isConstant: false };
  const labels = await readFileLabels(request, { ids, isFolder, noun: 'images' });
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
