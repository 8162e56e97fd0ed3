import type { GraphNode, ValueType } from '../../onnx/model.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { Emitter } from '../gradients/emitter.js';

/** Names of values between which a value lies, element by element; the same name twice for one that is known. */
export interface Interval {
  readonly lower: string;
  readonly upper: string;
}

/** What an interval rule sees of its node. */
export interface IntervalContext {
  readonly node: GraphNode;
  readonly emit: Emitter;
  /** Interval per operand. */
  readonly operands: readonly Interval[];
  /** Whether an operand is the same for every input in the box. */
  readonly isExact: (index: number) => boolean;
  readonly typeOf: (name: string) => ValueType;
  readonly constantOf: (name: string) => TensorValue | undefined;
  /** Appends the node once more on other operands and returns its outputs. */
  readonly replay: (inputs: readonly string[]) => readonly string[];
}

/** Maps intervals of a node's operands to intervals that hold its results. */
export interface IntervalRule {
  /** Operators that share the rule. */
  readonly opTypes: readonly string[];
  bound(context: IntervalContext): readonly Interval[];
}
