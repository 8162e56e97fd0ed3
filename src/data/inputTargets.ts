import type { DataType } from '../onnx/dataTypes.js';
import type { Dimension, Model, ValueType } from '../onnx/model.js';
import { shapeMismatch } from './dataErrors.js';

/** What one input of the model takes. */
export interface InputTarget {
  readonly name: string;
  readonly elementType: DataType;
  /** Shape without the batch axis; null when the file does not say. */
  readonly sampleShape: readonly Dimension[] | null;
  /** The whole declared shape. */
  readonly shape: readonly Dimension[] | null;
  /** Samples per run that the file prescribes. */
  readonly fixedBatch?: number;
}

/** Returns the inputs that must be fed (initializers have their values already). */
export function inputTargets(model: Model): readonly InputTarget[] {
  return model.graph.inputs
    .filter((input) => !model.graph.initializers.has(input.name))
    .map((input) => targetOf(input.name, input.type));
}

/**
 * Returns the input of a model that is fed by one kind of sample alone; `what` are these samples, as a sentence begins with
 * them.
 *
 * @throws UserError `data-shape` when the model has several inputs, or none.
 */
export function onlyTarget(targets: readonly InputTarget[], what: string): InputTarget {
  const [target] = targets;
  if (target !== undefined && targets.length === 1) return target;
  const inputs = targets.map(({ name }) => name);
  throw shapeMismatch(
    `${what} feed one input, and this model takes ${targets.length} (${inputs.join(', ')}). Give an .npz with an array per input.`,
    { inputs },
  );
}

function targetOf(name: string, type: ValueType): InputTarget {
  if (type.kind !== 'tensor') return { name, elementType: 'undefined', sampleShape: null, shape: null };
  const { elementType, shape } = type;
  const first = shape?.[0];
  const target = { name, elementType, shape, sampleShape: shape === null ? null : shape.slice(1) };
  return typeof first === 'number' && first > 0 ? { ...target, fixedBatch: first } : target;
}

/** Returns the number of classes that the first [N, classes] output with scores has, when the file says. */
export function classCountOf(model: Model): number | undefined {
  for (const { type } of model.graph.outputs) {
    if (type.kind !== 'tensor' || type.shape === null || type.shape.length !== 2) continue;
    const last = type.shape[1];
    // One column is a probability of yes or a regression, not one class.
    if (typeof last === 'number' && last > 1) return last;
  }
  return undefined;
}

/** Returns a shape as people write it: `[N, 3, 32, 32]`, `?` where the file is silent. */
export function formatShape(shape: readonly Dimension[]): string {
  return `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}

/** Returns the elements of one sample, or undefined when a size is open. */
export function sampleElementCount(target: InputTarget): number | undefined {
  if (target.sampleShape === null) return undefined;
  let count = 1;
  for (const dim of target.sampleShape) {
    if (typeof dim !== 'number') return undefined;
    count *= dim;
  }
  return count;
}
