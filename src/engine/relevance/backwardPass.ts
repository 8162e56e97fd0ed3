import type { Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import type { Seed } from '../gradients/gradientRule.js';

/** Where a backward pass starts and what it is to reach. */
export interface BackwardRequest {
  readonly seeds: readonly Seed[];
  /** Values that are to be given a score per element. */
  readonly wrt: readonly string[];
  readonly types: TypeTable;
  /** Graph inputs that hold the explained point; all others keep the values of its row. */
  readonly coordinates: readonly string[];
}

/** A model with a backward pass appended. */
export interface BackwardResult {
  readonly model: Model;
  /** Name of the scores per wanted value, shaped like it; one that no seed depends on is missing. */
  readonly scores: ReadonlyMap<string, string>;
  /** Graph inputs that take the reference, one per coordinate; none where the pass has no use for one. */
  readonly references: readonly string[];
  /** Sums per row, each [N], that the pass keeps on its way. */
  readonly terms: readonly string[];
  /** Operators on the way that the pass has no rule for and sends the plain gradient through. */
  readonly withoutRule: readonly string[];
}

/** Another way to go backwards than by derivatives: the driver is the same, the rules are others. */
export interface BackwardPass {
  /** Tells passes with other rules or parameters apart. */
  readonly id: string;
  /**
   * Appends the pass.
   *
   * @throws UserError `gradient-rule-missing`, `gradient-needs-shape`, `gradient-form-unsupported`.
   */
  append(model: Model, request: BackwardRequest): BackwardResult;
}
