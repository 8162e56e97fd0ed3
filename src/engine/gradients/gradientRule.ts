import type { GraphNode, ValueType } from '../../onnx/model.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';

/** What a rule sees of the node it differentiates. */
export interface RuleContext {
  readonly node: GraphNode;
  /** Appends to the graph that is being differentiated. */
  readonly builder: GraphBuilder;
  /** Cotangent (gradient of the seeded outputs) per output of the node; undefined where none flows. */
  readonly outputCotangents: readonly (string | undefined)[];
  /** Whether anybody wants the cotangent of input `index`. */
  wants(index: number): boolean;
  /** Type of a value, measured or inferred; its rank is always known, sizes where they are. */
  typeOf(name: string): ValueType;
}

/**
 * Reverse mode of one operator: appends nodes that map output cotangents to input cotangents.
 *
 * Returns one name per input, undefined where nothing flows. Each cotangent has the shape of the *broadcast* input or
 * of the input itself; the driver sums over broadcast axes, adds up cotangents of values used several times, and prunes.
 */
export interface GradientRule {
  readonly opType: string;
  readonly domain: string;
  /** First and last opset version of the operator that the rule covers, as node forms differ between them. */
  readonly opsets: readonly [first: number, last: number];
  backward(context: RuleContext): readonly (string | undefined)[];
}

/** A recorded fact: no gradient flows through this operator, and why. */
export interface NoGradient {
  readonly opType: string;
  readonly domain: string;
  readonly reason: string;
}
