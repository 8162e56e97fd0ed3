import { UserError } from '../base/errors.js';

/** Returns the error for bytes that are no valid ONNX model. */
export function malformed(what: string, cause?: unknown): UserError {
  return new UserError(
    'model-malformed',
    `The file is not a valid ONNX model: ${what}. It may be damaged or cut short; download or export it again.`,
    cause === undefined ? {} : { cause },
  );
}

/** Returns the error for a file that is something else than ONNX; `advice` says what to do with it. */
export function notOnnx(path: string, whatItIs: string, advice: string): UserError {
  return new UserError('not-onnx', `${path} is no ONNX model: it is ${whatItIs}. ${advice}`, {
    detail: { path },
  });
}

/** Returns the error for a model path that cannot be opened. */
export function unreadable(path: string, reason: string, cause?: unknown): UserError {
  return new UserError('model-unreadable', `The model ${path} cannot be read: ${reason}.`, {
    ...(cause === undefined ? {} : { cause }),
    detail: { path },
  });
}

/** Returns the error for valid ONNX that this tool does not handle. */
export function unsupported(what: string): UserError {
  return new UserError('model-unsupported', `The model uses ${what}, which is not supported.`);
}

/** Returns the error for a file beyond what any exporter writes. */
export function tooLarge(what: string): UserError {
  return new UserError(
    'model-too-large',
    `The model has ${what}, which is beyond what this tool reads. The file is probably damaged; export it again.`,
  );
}

/** Returns the error for an external data location outside the model's folder. */
export function externalDataOutside(location: string, tensorName: string): UserError {
  return new UserError(
    'external-data-outside',
    `Tensor ${tensorName} keeps its data at "${location}", outside the model's folder. ` +
      `Only files beside or below the model are read; move the data there or save the model again.`,
    { detail: { location, tensor: tensorName } },
  );
}

/** Returns the error for an external data file that is not there. */
export function externalDataMissing(path: string, tensorName: string): UserError {
  return new UserError(
    'external-data-missing',
    `The data file ${path}, which holds tensor ${tensorName}, is missing. Put it beside the model under exactly this name.`,
    { detail: { path, tensor: tensorName } },
  );
}

/** Returns the error for a file that ends before a tensor does. */
export function dataTooShort(path: string, tensorName: string, neededBytes: number): UserError {
  return new UserError(
    'external-data-too-short',
    `The file ${path} ends before tensor ${tensorName} does: it must have at least ${neededBytes} bytes. ` +
      `It was cut short or belongs to another version of the model; download or export it again.`,
    { detail: { path, tensor: tensorName, neededBytes } },
  );
}

/** Returns the error for a weight file that changed after the model was read. */
export function modelChanged(path: string): UserError {
  return new UserError(
    'model-changed',
    `The file ${path} changed after the model was read. Start again to use the file as it is now.`,
    { detail: { path } },
  );
}

/** Returns the error for a tensor whose bytes do not fit its shape. */
export function tensorMalformed(tensorName: string, what: string): UserError {
  return new UserError('tensor-malformed', `Tensor ${tensorName} cannot be read: ${what}.`, {
    detail: { tensor: tensorName },
  });
}
