import type { GraphBuilder } from '../graph/graphBuilder.js';

/** Names of one parameter's values in a training step. */
export interface UpdateOperands {
  readonly parameter: string;
  /** Shaped like the parameter. */
  readonly gradient: string;
  /** The parameter's own state, in the order of `slots`, shaped like it. */
  readonly slots: readonly string[];
  /** The scalar learning rate of this step. */
  readonly learningRate: string;
  /** The optimiser's scalars of this step, in their order. */
  readonly scalars: readonly string[];
  /** Whether weight decay applies to this parameter. */
  readonly decays: boolean;
}

/** Names of the values after the update. */
export interface Updated {
  readonly parameter: string;
  readonly slots: readonly string[];
}

/** A rule that turns gradients into new parameters: appends itself to the graph of a training step. */
export interface Optimizer {
  /** As manifests and reports print it. */
  readonly name: string;
  /** Names of what is kept for each parameter between steps; zeros before the first. */
  readonly slots: readonly string[];
  /** Names of the scalars that are fed with every step because they change with its number. */
  readonly scalars: readonly string[];
  /** Returns those scalars at a step, counted from 1. */
  scalarsAt(step: number): readonly number[];
  update(builder: GraphBuilder, operands: UpdateOperands): Updated;
}
