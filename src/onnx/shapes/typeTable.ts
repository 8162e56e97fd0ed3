import type { ValueType } from '../model.js';

/** Types of values by name, inferred or measured. */
export type TypeTable = ReadonlyMap<string, ValueType>;
