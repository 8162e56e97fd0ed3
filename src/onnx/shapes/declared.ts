import type { Dimension, ValueType } from '../model.js';
import { publicDimension, type Shape } from './dimensions.js';
import type { Fact } from './facts.js';

/** A value whose declared type contradicts the inferred one, which is kept. */
export interface TypeConflict {
  readonly value: string;
  readonly declared: ValueType;
  readonly inferred: ValueType;
}

/** Returns a type with every size mapped. */
export function mapDimensions(type: ValueType, map: (dimension: Dimension) => Dimension): ValueType {
  switch (type.kind) {
    case 'tensor':
    case 'sparse-tensor':
      return { ...type, shape: type.shape?.map(map) ?? null };
    case 'sequence':
    case 'optional':
      return { ...type, element: mapDimensions(type.element, map) };
    case 'map':
      return { ...type, value: mapDimensions(type.value, map) };
    case 'unknown':
      return type;
  }
}

/** Returns a type without its shape. */
export function withoutShape(type: ValueType): ValueType {
  return type.kind === 'tensor' || type.kind === 'sparse-tensor' ? { ...type, shape: null } : type;
}

/** What a declaration adds to a fact, and whether the two contradict each other. */
export interface Reconciled {
  readonly fact: Fact;
  readonly isConflict: boolean;
}

/**
 * Returns a fact completed by the declared type: inferred knowledge wins, declared sizes fill its gaps.
 *
 * An unnamed size that inference follows yields to a declared number, and to a declared name unless `keepsUnnamed`.
 */
export function reconcile(fact: Fact, declared: ValueType | undefined, keepsUnnamed: boolean): Reconciled {
  const inferred = fact.type;
  if (declared === undefined || declared.kind === 'unknown') return { fact, isConflict: false };
  if (inferred.kind === 'unknown') return { fact: { ...fact, type: declared }, isConflict: false };
  if (inferred.kind !== 'tensor' || declared.kind !== 'tensor') {
    return { fact, isConflict: inferred.kind !== declared.kind };
  }
  const isOtherElement =
    inferred.elementType !== 'undefined' &&
    declared.elementType !== 'undefined' &&
    inferred.elementType !== declared.elementType;
  const elementType = inferred.elementType === 'undefined' ? declared.elementType : inferred.elementType;
  const isOtherShape = contradicts(inferred.shape, declared.shape);
  const shape = isOtherShape ? inferred.shape : completed(inferred.shape, declared.shape, keepsUnnamed);
  return {
    fact: { ...fact, type: { kind: 'tensor', elementType, shape } },
    isConflict: isOtherElement || isOtherShape,
  };
}

function contradicts(inferred: Shape, declared: Shape): boolean {
  if (inferred === null || declared === null) return false;
  if (inferred.length !== declared.length) return true;
  return inferred.some((size, axis) => {
    const other = declared[axis];
    return typeof size === 'number' && typeof other === 'number' && size !== other;
  });
}

function completed(inferred: Shape, declared: Shape, keepsUnnamed: boolean): Shape {
  if (inferred === null || declared === null) return inferred ?? declared;
  return inferred.map((size, axis) => {
    const other = declared[axis] ?? null;
    if (publicDimension(size) !== null || other === null) return size;
    return typeof other === 'string' && keepsUnnamed && size !== null ? size : other;
  });
}
