import { statSync } from 'node:fs';
import type { Model, Tensor } from './model.js';
import { dataTooShort, externalDataMissing, modelChanged } from './modelErrors.js';
import { forEachTensor } from './serializeModel.js';

/**
 * Makes sure that every file with weights is there, long enough, and as it was when the model was read.
 *
 * @throws UserError `external-data-missing`, `external-data-too-short` or `model-changed`, naming the file.
 */
export function checkWeightFiles(model: Model): void {
  weightFileCheck(model)();
}

/** Returns `checkWeightFiles` for one model with the search for its files done: one `stat` a file, before every run. */
export function weightFileCheck(model: Model): () => void {
  const files = [...lastTensors(model)];
  return () => {
    for (const [path, { tensor, endByte }] of files) {
      const facts = statSync(path, { throwIfNoEntry: false });
      if (facts === undefined) throw externalDataMissing(path, tensor.name);
      const stamp = model.file.stamps?.get(path);
      if (stamp !== undefined && (stamp.sizeBytes !== facts.size || stamp.modifiedMs !== facts.mtimeMs)) {
        throw modelChanged(path);
      }
      if (facts.size < endByte) throw dataTooShort(path, tensor.name, endByte);
    }
  };
}

/** Returns the tensor that reaches furthest into each file. */
function lastTensors(model: Model): ReadonlyMap<string, { tensor: Tensor; endByte: number }> {
  const last = new Map<string, { tensor: Tensor; endByte: number }>();
  forEachTensor(model, (tensor) => {
    const { source } = tensor;
    if (source.kind !== 'file' && source.kind !== 'varints') return;
    const endByte = source.offset + source.sizeBytes;
    const known = last.get(source.path);
    if (known === undefined || known.endByte < endByte) last.set(source.path, { tensor, endByte });
  });
  return last;
}
