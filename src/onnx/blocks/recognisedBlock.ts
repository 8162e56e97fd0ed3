import type { GraphNode } from '../model.js';

/** A sub-graph of a model that was recognised, with the layers it is made of. */
export interface RecognisedBlock {
  /** The scope or layer that holds just this block; else the scope around it and its kind, or kind and count. */
  readonly name: string;
  readonly kind: string;
  /** `EvoNorm-S0`, `self, 8 heads`; empty where a kind has no variants. */
  readonly variant: string;
  /** Names of its layers in file order, scopes apart. */
  readonly layers: readonly string[];
  /** The scopes and layers that are wholly inside, outermost ones: what a list marks. */
  readonly holders: readonly string[];
  /** In file order. */
  readonly nodes: readonly GraphNode[];
  /** Position of its first node in file order. */
  readonly index: number;
  /** Value that leaves it. */
  readonly output: string;
}
