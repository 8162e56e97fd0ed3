import type { FileStamp, ModelStructure } from '../protocol/structure.js';
import { inspectModel } from './inspect.js';
import { addressTableOf } from './layers/layerTable.js';
import type { ModelFile } from './model.js';
import type { OpenedModel } from './openedModel.js';

/** Returns what an editor knows of a model without running it; no weight is read. */
export function structureOf({ model, types, layers }: OpenedModel): ModelStructure {
  return {
    inspection: inspectModel(model, types, layers),
    addresses: addressTableOf(layers),
    metadata: [...model.metadata],
    stamp: fileStampOf(model.file),
  };
}

/** Size and time of the model file when it was read; whole milliseconds, as editors tell times. */
function fileStampOf({ stamps, realPath, fileSizeBytes }: ModelFile): FileStamp {
  return { sizeBytes: fileSizeBytes, modifiedMs: Math.round(stamps?.get(realPath)?.modifiedMs ?? 0) };
}
