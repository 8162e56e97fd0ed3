import { extname } from 'node:path';

// What names alone tell of data, for readers and for whoever looks for data. Nothing is opened here.

/** File names that image readers take, by extension. */
export const imageExtensions: readonly string[] = [
  '.png',
  '.jpg',
  '.jpeg',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
];

/** Kinds of files that are told by their extension. */
export const kindByExtension = new Map<string, 'npy' | 'npz' | 'csv' | 'parquet' | 'onnx-pb' | 'audio'>([
  ['.npy', 'npy'],
  ['.npz', 'npz'],
  ['.csv', 'csv'],
  ['.tsv', 'csv'],
  ['.parquet', 'parquet'],
  ['.pb', 'onnx-pb'],
  ['.wav', 'audio'],
  ['.wave', 'audio'],
]);

/** What may be given as data, in words. */
export const dataForms =
  'an .inspect.json, a folder of images, .wav or .txt files, or a .wav, .txt, .csv, .npz, .npy, .parquet or IDX file';

/** Endings of all files that hold samples. */
export const dataFileExtensions: readonly string[] = [...imageExtensions, ...kindByExtension.keys()];

/** Tells whether a file name is one of an image that we decode. */
export function isImageName(name: string): boolean {
  return imageExtensions.includes(extname(name).toLowerCase());
}

/** Tells whether a file name is one of a sound that we read. */
export function isAudioName(name: string): boolean {
  return kindByExtension.get(extname(name).toLowerCase()) === 'audio';
}

/** Tells whether a file name is one of a text that we read; not in `kindByExtension`, whose files are proposed as data. */
export function isTextName(name: string): boolean {
  return extname(name).toLowerCase() === '.txt';
}

/** Tells whether a path is an inspect file by its name. */
export function isInspectFileName(path: string): boolean {
  return path.endsWith('.inspect.json') || path.endsWith('inspect.json');
}

/** Tells whether a file name is one of an ONNX test input: `input_0.pb`. */
export function isTestInputName(name: string): boolean {
  return /^input_\d+\.pb$/.test(name);
}

/** Returns the name of the labels' file that belongs to a file of images by MNIST's naming, or undefined. */
export function idxLabelsNameOf(imagesName: string): string | undefined {
  const match = /^(.*)images([-._])idx[1-9](-ubyte)?(\.gz)?$/.exec(imagesName);
  if (match === null) return undefined;
  const [, before = '', separator = '', suffix = '', gz = ''] = match;
  return `${before}labels${separator}idx1${suffix}${gz}`;
}

/** What tokenizers are usually called: as Hugging Face writes them, and SentencePiece models of Llama and T5. */
export const tokenizerNames = ['tokenizer.json', 'tokenizer.model', 'spiece.model'] as const;
