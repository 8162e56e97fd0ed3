import { dirname, resolve } from 'node:path';
import { UserError } from '../../../base/errors.js';
import type { Model } from '../../../onnx/model.js';

/**
 * Returns where a model is to be written: a relative path starts at the folder of the model that it is made of, so that
 * command line and editor put it in one place.
 *
 * @throws UserError `output-not-onnx`, `output-is-model`.
 */
export function modelOutputPath({ file }: Model, output: string): string {
  const path = resolve(dirname(file.path), output);
  if (!/\.onnx$/iu.test(path)) {
    throw new UserError(
      'output-not-onnx',
      `output=${output} does not end in .onnx. Give it a name such as merged.onnx.`,
    );
  }
  if ([file.path, file.realPath, ...file.externalPaths].includes(path)) {
    throw new UserError(
      'output-is-model',
      `output=${output} is the model that is read. Give the merged model another name, such as merged.onnx.`,
    );
  }
  return path;
}
