import { UserError } from '../base/errors.js';

type Detail = Readonly<Record<string, unknown>>;

/** Returns the error for data that is not there. */
export function dataNotFound(path: string, cause?: unknown): UserError {
  return new UserError('data-not-found', `There is no data at ${path}. Check the path.`, {
    cause,
    detail: { path },
  });
}

/** Returns the error for a data set without a sample. */
export function dataEmpty(path: string, why: string): UserError {
  return new UserError('data-empty', `${path} holds no samples: ${why}.`, { detail: { path } });
}

/** Returns the error for data that opened and holds not a single sample. */
export function noSamples(path: string): UserError {
  return dataEmpty(path, 'check that it is the right file or folder');
}

/** Returns the error for data of a kind that no reader serves. */
export function dataUnsupported(path: string, why: string): UserError {
  return new UserError(
    'data-unsupported',
    `${path} cannot be read: ${why}. Give an .inspect.json, a folder of images, .wav or .txt files, an image, .wav, .txt, .npy, .npz, .csv, .parquet, IDX(.gz), or a folder with input_*.pb.`,
    { detail: { path } },
  );
}

/** Returns the error for a file whose bytes contradict its format. */
export function dataMalformed(
  source: string,
  why: string,
  options: { cause?: unknown; remedy?: string } = {},
) {
  return new UserError(
    'data-malformed',
    `${source} is damaged or not what its name says: ${why}. ${options.remedy ?? 'Write it again, or correct its name.'}`,
    { cause: options.cause, detail: { source } },
  );
}

/** Returns the error for a file that became shorter while it was read. */
export function dataChanged(source: string): UserError {
  return new UserError(
    'data-changed',
    `${source} became shorter while it was being read. Run again when nothing writes to it.`,
    { kind: 'environment', detail: { source } },
  );
}

/** Returns the error for data that lacks what an input or the labels need. */
export function fieldMissing(source: string, wanted: string, present: readonly string[]): UserError {
  const list = present.length === 0 ? 'nothing' : listOf(present);
  return new UserError(
    'data-field-missing',
    `${source} has no ${wanted}; it has ${list}. Rename it, or say where it is with "from" in an .inspect.json.`,
    { detail: { source, wanted, present } },
  );
}

/** Returns the error for samples of another shape than the model takes. */
export function shapeMismatch(message: string, detail: Detail): UserError {
  return new UserError('data-shape', message, { detail });
}

/** Returns the error for samples with the right sizes in another order. */
export function layoutMismatch(message: string, detail: Detail): UserError {
  return new UserError('data-layout', message, { detail });
}

/** Returns the error for values that the input's element type cannot hold. */
export function typeMismatch(message: string, detail: Detail): UserError {
  return new UserError('data-dtype', message, { detail });
}

/** Returns the error for labels that cannot be used. */
export function labelsInvalid(message: string, detail: Detail = {}): UserError {
  return new UserError('data-labels', message, { detail });
}

/** Returns the error for an image that cannot be decoded. */
export function imageUndecodable(name: string, cause: unknown): UserError {
  return new UserError(
    'image-undecodable',
    `The image ${name} cannot be decoded. Replace it, or take it out of the data.`,
    { cause, detail: { name } },
  );
}

/** Returns up to eight names and how many more there are. */
export function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
