import type { WeightInfo } from '../protocol/structure.js';
import { packedSizeBytes } from './dataTypes.js';
import type { StoredConstant } from './storedConstants.js';
import { elementCountOf } from './tensorValue.js';

/** Lists the constants of a model as people look for them; none is read. */
export function weightList(constants: readonly StoredConstant[]): WeightInfo[] {
  return constants.map((constant) => {
    const { name, layer, role, dims, tensor } = constant;
    return { name, layer, role, dtype: tensor.elementType, dims, sizeBytes: sizeBytesOf(constant) };
  });
}

function sizeBytesOf({ tensor }: StoredConstant): number {
  const { source, elementType, dims } = tensor;
  if (source.kind === 'strings') return source.values.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return packedSizeBytes(elementType, elementCountOf(dims));
}
