import type { DataType } from '../../../onnx/dataTypes.js';
import type { ValueType } from '../../../onnx/model.js';

/** Returns the element type of a value that is differentiated; float32 where nobody could tell. */
export function elementTypeOf(type: ValueType): DataType {
  return type.kind === 'tensor' && type.elementType !== 'undefined' ? type.elementType : 'float32';
}
