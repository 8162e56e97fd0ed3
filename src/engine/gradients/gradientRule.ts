import type { Dimension, GraphNode, Model, ValueType } from '../../onnx/model.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';

/** One start of reverse mode: a value and the name of its cotangent, which exists in the graph and has its shape. */
export interface Seed {
  readonly value: string;
  readonly cotangent: string;
}

/** A node, and what is known of the values around it. */
export interface SizeContext {
  readonly node: GraphNode;
  /** Type of a value, measured or inferred; `unknown` where nobody could tell. */
  typeOf(name: string): ValueType;
  /** Whether a value is a weight in the file, so that what is made from it alone is computed once. */
  isConstant(name: string): boolean;
}

/** What is known about a node that is differentiated or lowered. */
export interface NodeContext extends SizeContext {
  /** Appends to the graph that is being differentiated. */
  readonly builder: GraphBuilder;
  /** Elements of a constant that is held in memory (axes, pads, scalars); undefined for anything else. */
  constantOf(name: string): TensorValue | undefined;
}

/** What a rule sees of the node it differentiates. */
export interface RuleContext extends NodeContext {
  /** Cotangent (gradient of the seeded outputs) per output of the node; undefined where none flows. */
  readonly outputCotangents: readonly (string | undefined)[];
  /** Whether anybody wants the cotangent of operand `index`; see `operandsOf`. */
  wants(index: number): boolean;
  /** Whether a value's gradient is wanted or leads to one that is. */
  isActive(name: string): boolean;
  /** Returns the node that makes a value, where gradients flow through it. */
  producerOf(name: string): GraphNode | undefined;
  /** Differentiates a body (of an If, Loop, Scan) taken for a model, by the rules in use. */
  differentiate(
    body: Model,
    request: {
      readonly seeds: readonly Seed[];
      readonly wrt: readonly string[];
      readonly types: ReadonlyMap<string, ValueType>;
    },
  ): { readonly model: Model; readonly gradients: ReadonlyMap<string, string> };
}

/** What a rule sees of a node before anything is appended. */
export interface PrepareContext extends SizeContext {
  /** Returns a name that no value has. */
  readonly freshName: (hint: string) => string;
}

/**
 * The cotangent of one input: a value shaped like the input, or one of another shape that broadcasting the input gives.
 *
 * The driver sums the second kind over the broadcast axes.
 */
export type InputCotangent =
  string | { readonly value: string; readonly shape: readonly Dimension[] | null } | undefined;

/**
 * Reverse mode of one operator: appends nodes that map output cotangents to input cotangents.
 *
 * Returns one cotangent per operand (inputs, then captures of bodies), undefined where nothing flows; missing ones at the
 * end mean the same. The driver un-broadcasts, adds up cotangents of values used several times, and prunes.
 */
export interface GradientRule {
  readonly opType: string;
  readonly domain: string;
  /** First and last opset version of the model whose form of the operator the rule covers. */
  readonly opsets: readonly [first: number, last: number];
  /**
   * Whether the operator rounds to whole numbers and the rule passes the gradient through as if it did not.
   *
   * The cotangent of a quantised value q is that of q taken as a real number, in the type of the scale.
   */
  readonly isStraightThrough?: boolean;
  /** Returns the node with the optional outputs that the rule reads, so that forward computes them once. */
  prepare?(context: PrepareContext): GraphNode;
  backward(context: RuleContext): readonly InputCotangent[];
}

/** A recorded fact: no gradient flows through this operator, and why. */
export interface NoGradient {
  readonly opType: string;
  readonly domain: string;
  readonly reason: string;
}

/** The newest opset whose operator forms the rules were written for. */
export const latestOpset = 26;
