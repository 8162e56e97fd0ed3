import type { Dimension, ValueType } from './model.js';

/** Returns the kind of a value in words, without sizes: `float32`, `sequence(map(int64, float32))`. */
export function typeName(type: ValueType): string {
  switch (type.kind) {
    case 'tensor':
      return type.elementType;
    case 'sparse-tensor':
      return `sparse(${type.elementType})`;
    case 'sequence':
      return `sequence(${typeName(type.element)})`;
    case 'optional':
      return `optional(${typeName(type.element)})`;
    case 'map':
      return `map(${type.keyType}, ${typeName(type.value)})`;
    case 'unknown':
      return 'unknown';
  }
}

/** Returns a type in words, with sizes where it has any: `float32 [N, 3, 224, 224]`. */
export function typeWords(type: ValueType): string {
  const shape = type.kind === 'tensor' || type.kind === 'sparse-tensor' ? type.shape : null;
  return shape === null ? typeName(type) : `${typeName(type)} ${shapeWords(shape)}`;
}

/** Returns a shape in words: `[N, 3, ?]`. */
export function shapeWords(shape: readonly Dimension[]): string {
  return `[${shape.map((size) => size ?? '?').join(', ')}]`;
}
