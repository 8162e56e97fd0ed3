import type { Layer } from './layers/layer.js';
import { layersOf } from './layers/layerTable.js';
import type { Model, ValueInfo } from './model.js';
import { typeName, typeWords } from './typeWords.js';

/**
 * Returns the first thing by which a model is built otherwise than another, as a clause about it
 * (`its layer fc2 has 8 units and not 12`), or undefined when both are alike.
 *
 * Compared are inputs, outputs and every layer: name, kind, units and parameters. What exporters write around them (names of
 * nodes, constants of shapes, sizes left open) is not.
 */
export function structureDifference(model: Model, reference: Model): string | undefined {
  return (
    valuesDifference('input', fedInputs(model), fedInputs(reference)) ??
    valuesDifference('output', model.graph.outputs, reference.graph.outputs) ??
    layersDifference(layersOf(model).layers, layersOf(reference).layers)
  );
}

function fedInputs({ graph }: Model): readonly ValueInfo[] {
  return graph.inputs.filter(({ name }) => !graph.initializers.has(name));
}

function valuesDifference(
  what: 'input' | 'output',
  own: readonly ValueInfo[],
  reference: readonly ValueInfo[],
): string | undefined {
  const names = own.map(({ name }) => name);
  const expected = reference.map(({ name }) => name);
  if (names.join('\n') !== expected.join('\n')) {
    return `its ${what}s are ${names.join(', ')} and not ${expected.join(', ')}`;
  }
  for (const [index, value] of own.entries()) {
    const other = reference[index];
    if (other === undefined || fits(value, other)) continue;
    return `its ${what} ${value.name} is ${typeWords(value.type)} and not ${typeWords(other.type)}`;
  }
  return undefined;
}

/** Sizes that one of the two leaves open fit any. */
function fits({ type }: ValueInfo, { type: other }: ValueInfo): boolean {
  if (typeName(type) !== typeName(other)) return false;
  if (type.kind !== 'tensor' || other.kind !== 'tensor') return true;
  const [shape, expected] = [type.shape, other.shape];
  if (shape === null || expected === null) return true;
  return shape.length === expected.length && shape.every((size, axis) => agrees(size, expected[axis]));
}

function agrees(size: unknown, other: unknown): boolean {
  return typeof size !== 'number' || typeof other !== 'number' || size === other;
}

function layersDifference(own: readonly Layer[], reference: readonly Layer[]): string | undefined {
  const byName = new Map(own.map((layer) => [layer.name, layer]));
  for (const expected of reference) {
    const layer = byName.get(expected.name);
    if (layer === undefined) return `it has no layer ${expected.name}`;
    const difference = layerDifference(layer, expected);
    if (difference !== undefined) return `its layer ${layer.name} ${difference}`;
  }
  const known = new Set(reference.map(({ name }) => name));
  const further = own.find(({ name }) => !known.has(name));
  return further === undefined ? undefined : `it has the layer ${further.name} besides`;
}

function layerDifference(layer: Layer, expected: Layer): string | undefined {
  if (layer.kind !== expected.kind) return `is of kind ${layer.kind} and not ${expected.kind}`;
  if (layer.unitCount !== expected.unitCount) {
    return `has ${countOf(layer.unitCount)} units and not ${countOf(expected.unitCount)}`;
  }
  return layer.parameterCount === expected.parameterCount
    ? undefined
    : `has ${countOf(layer.parameterCount)} parameters and not ${countOf(expected.parameterCount)}`;
}

function countOf(count: number | null): string {
  return count === null ? 'an open number of' : count.toLocaleString('en-US');
}
