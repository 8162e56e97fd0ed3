import type { AddressedLayer, AddressTable, FileStamp, ModelStructure } from '../protocol/structure.js';
import { inspectModel } from './inspect.js';
import type { Layer, LayerTable } from './layers/layer.js';
import { intAttribute, type ModelFile } from './model.js';
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

/** Returns all that addresses of a model are resolved against, as plain data. */
export function addressTableOf({ layers, mlps, attentions }: LayerTable): AddressTable {
  const addressed = layers.map(addressedLayer);
  return {
    layers: addressed,
    byName: new Map(addressed.map((layer) => [layer.name, layer])),
    mlps,
    attentions,
  };
}

function addressedLayer(layer: Layer): AddressedLayer {
  const { name, path, parent, kind, operator, unitCount, unitAxis } = layer;
  const { output, furtherOutputs, shape, isInBody, states } = layer;
  return {
    ...{ name, path, parent, kind, operator, unitCount, unitAxis, batchAxis: batchAxisOf(layer) },
    ...{ output, furtherOutputs, shape, isInBody, states },
  };
}

/** Recurrent operators put time first, unless their `layout` is 1. */
function batchAxisOf({ kind, shape, nodes }: Layer): number {
  const [node] = nodes;
  if (kind !== 'recurrent' || node === undefined || intAttribute(node, 'layout', 0) === 1) return 0;
  return (shape?.length ?? 4) - 2;
}

/** Size and time of the model file when it was read; whole milliseconds, as editors tell times. */
function fileStampOf({ stamps, realPath, fileSizeBytes }: ModelFile): FileStamp {
  return { sizeBytes: fileSizeBytes, modifiedMs: Math.round(stamps?.get(realPath)?.modifiedMs ?? 0) };
}
