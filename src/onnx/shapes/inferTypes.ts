import type { Dimension, Model, ValueType } from '../model.js';
import { mapDimensions, type TypeConflict } from './declared.js';
import { publicDimension, unnamed } from './dimensions.js';
import { GraphInference } from './graphInference.js';
import type { TypeTable } from './typeTable.js';

export type { TypeTable };

/** What is known from outside the model. */
export interface GivenTypes {
  /** Concrete shapes of inputs by name, over the declared ones; sizes they bind to names hold everywhere. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /**
   * Keeps the made-up names (`?0`, `?1`, …) of sizes that the file leaves unnamed, so that equal ones are seen to be
   * equal; without it they are null.
   */
  readonly keepsUnnamed?: boolean;
}

/** Inferred types and the declarations they contradict. */
export interface InferredTypes {
  readonly types: TypeTable;
  readonly conflicts: readonly TypeConflict[];
}

/**
 * Returns the types of every value of the main graph, and of the values of bodies whose names are used once.
 *
 * Nothing is run: shapes follow from the operators, small integer tensors are followed through (Shape, Gather, Concat,
 * Reshape), named sizes stay names and their products are written `4*N`. Declared types fill what inference does not
 * know. Values of unknown operators are `unknown`.
 */
export function inferTypes(model: Model, given: GivenTypes = {}): TypeTable {
  return inferTypesChecked(model, given).types;
}

/** Returns inferred types as `inferTypes` does, with the declared types that they contradict. */
export function inferTypesChecked(model: Model, given: GivenTypes = {}): InferredTypes {
  const inference = new GraphInference(model, given.inputShapes ?? {}, given.keepsUnnamed === true);
  const { types, conflicts } = inference.run();
  if (given.keepsUnnamed === true) return { types, conflicts };
  const shown = new Map<string, ValueType>();
  for (const [name, type] of types) shown.set(name, mapDimensions(type, publicDimension));
  return { types: shown, conflicts };
}

/** Returns the name that stands for the first size of the model's first tensor input, if it is no number. */
export function batchSymbol(model: Model): string | undefined {
  const first = model.graph.inputs.find((input) => !model.graph.initializers.has(input.name));
  const type = first?.type;
  const size: Dimension | undefined = type?.kind === 'tensor' ? type.shape?.[0] : undefined;
  if (size === null) return unnamed(0);
  return typeof size === 'string' ? size : undefined;
}
