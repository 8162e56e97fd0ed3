import type { GraphNode, Model } from '../../onnx/model.js';
import type { NodeContext } from '../gradients/gradientRule.js';

/** What a lowering sees of the node that it takes apart. */
export interface LoweringContext extends NodeContext {
  /** Returns the node that makes a value; undefined for inputs and weights. */
  producerOf(name: string): GraphNode | undefined;
  /** The model that is lowered, for the functions and opsets it defines. */
  readonly model: Model;
}

/**
 * A composite operator said in core operators, so that it needs no gradient rule of its own.
 *
 * `lower` appends core nodes that compute the same and returns the value that stands for each output, undefined where
 * none does (an output that carries no gradient).
 */
export interface Lowering {
  readonly opType: string;
  readonly domain: string;
  /** First and last opset version of the model whose form of the operator the entry covers. */
  readonly opsets: readonly [first: number, last: number];
  /**
   * Whether the nodes stand in for the composite, which is then not run: for operators whose gradient needs most of what
   * they compute inside. Otherwise the composite runs as before, bit for bit, and of the nodes only those run whose
   * values the gradient reads.
   */
  readonly replaces?: boolean;
  /** See `GradientRule`: what it stands for rounds, and the nodes do not. */
  readonly isStraightThrough?: boolean;
  lower(context: LoweringContext): readonly (string | undefined)[];
}
