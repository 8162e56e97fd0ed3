import type { TypeTable } from '../../src/onnx/shapes/typeTable.js';
import type { Model, ValueType } from '../../src/onnx/model.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';

/** How inferred types compare with measured values. */
export interface TypeComparison {
  /** One line per value whose inferred type is false. */
  readonly contradictions: readonly string[];
  /** Values whose element type and every size were inferred. */
  readonly knownCount: number;
  readonly totalCount: number;
}

/** Compares inferred types with values that a run returned. */
export function compareTypes(
  types: TypeTable,
  values: Readonly<Record<string, TensorValue>>,
): TypeComparison {
  const contradictions: string[] = [];
  let knownCount = 0;
  for (const [name, value] of Object.entries(values)) {
    const type: ValueType = types.get(name) ?? { kind: 'unknown' };
    if (type.kind === 'unknown') continue;
    if (!agrees(type, value)) {
      contradictions.push(
        `${name}: inferred ${JSON.stringify(type)}, is ${value.dtype}[${value.dims.join()}]`,
      );
    } else if (isFullyKnown(type)) knownCount++;
  }
  return { contradictions, knownCount, totalCount: Object.keys(values).length };
}

function agrees(type: ValueType, value: TensorValue): boolean {
  if (type.kind !== 'tensor') return false;
  if (type.elementType !== 'undefined' && type.elementType !== value.dtype) return false;
  const { shape } = type;
  if (shape === null) return true;
  return (
    shape.length === value.dims.length &&
    shape.every((size, axis) => typeof size !== 'number' || size === value.dims[axis])
  );
}

function isFullyKnown(type: ValueType): boolean {
  return (
    type.kind === 'tensor' &&
    type.elementType !== 'undefined' &&
    type.shape !== null &&
    type.shape.every((size) => typeof size === 'number')
  );
}

/** Returns the model without declared types of inner values and outputs, so that nothing but inference knows them. */
export function undeclared(model: Model): Model {
  const outputs = model.graph.outputs.map((output) => ({ ...output, type: { kind: 'unknown' } as const }));
  return { ...model, graph: { ...model.graph, valueInfo: new Map(), outputs } };
}
