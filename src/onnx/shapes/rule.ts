import type { DataType } from '../dataTypes.js';
import { type Dimension, type Graph, type GraphNode, intsAttribute, type ValueType } from '../model.js';
import { positiveAxis, type Shape } from './dimensions.js';
import { type Entry, type Fact, type KnownValue, tensorFact } from './facts.js';

/** What a rule sees of the node whose outputs it types. */
export interface NodeView {
  readonly node: GraphNode;
  /** Version of the node's domain. */
  readonly opset: number;
  /** Facts by input position; undefined where an optional input is omitted. */
  readonly inputs: readonly (Fact | undefined)[];
  /** Returns a dimension that equals no other. */
  freshDimension(): Dimension;
  /** Returns the facts of a body's outputs, given those of its inputs. */
  inferBody(body: Graph, inputs: readonly Fact[]): readonly Fact[];
}

/** Types the outputs of one operator in all its opset forms; undefined where nothing is known. */
export type InferRule = (view: NodeView) => readonly (Fact | undefined)[];

/** Rules by operator as the contract prints it: no prefix for ai.onnx, else `domain:OpType`. */
export type RuleEntries = readonly (readonly [operators: string, rule: InferRule])[];

/** Returns the shape of an input; null when it is unknown or omitted. */
export function shapeOf(view: NodeView, index: number): Shape {
  const type = view.inputs[index]?.type;
  return type?.kind === 'tensor' || type?.kind === 'sparse-tensor' ? type.shape : null;
}

/** Returns the element type of an input; `undefined` (the type) when it is unknown or omitted. */
export function elementOf(view: NodeView, index: number): DataType {
  return elementTypeOf(view.inputs[index]?.type);
}

/** Returns the element type of a tensor type; `undefined` (the type) for anything else. */
export function elementTypeOf(type: ValueType | undefined): DataType {
  return type?.kind === 'tensor' || type?.kind === 'sparse-tensor' ? type.elementType : 'undefined';
}

/** Returns whether an input is given. */
export function hasInput(view: NodeView, index: number): boolean {
  return view.inputs[index] !== undefined;
}

/** Returns the known elements of an input. */
export function valueOf(view: NodeView, index: number): KnownValue | undefined {
  return view.inputs[index]?.value;
}

/** Returns the known elements of an input, each a number; undefined when one is not. */
export function numbersOf(view: NodeView, index: number): readonly number[] | undefined {
  return allNumbers(valueOf(view, index)?.entries);
}

/** Returns the entries when each is a number. */
export function allNumbers(entries: readonly Entry[] | undefined): readonly number[] | undefined {
  const numbers = entries?.filter((entry) => typeof entry === 'number');
  return numbers?.length === entries?.length ? numbers : undefined;
}

/**
 * Returns axes (or other integers) given as an attribute in old opsets and as an input in newer ones.
 *
 * `absent`: neither is there. `unknown`: an input that is computed.
 */
export function listOf(
  view: NodeView,
  attribute: string,
  inputIndex: number,
): readonly number[] | 'absent' | 'unknown' {
  const fromAttribute = intsAttribute(view.node, attribute);
  if (fromAttribute !== undefined) return fromAttribute;
  if (!hasInput(view, inputIndex)) return 'absent';
  return numbersOf(view, inputIndex) ?? 'unknown';
}

/** Returns a tensor with an input's element type. */
export function like(view: NodeView, index: number, shape: Shape): Fact {
  return tensorFact(elementOf(view, index), shape);
}

/** Returns a shape of a rank with unknown sizes. */
export function unknownShape(rank: number): Shape {
  return Array.from({ length: rank }, () => null);
}

/** Returns an axis attribute counted from the start, or undefined when the rank is unknown or does not have it. */
export function axisWithin(axis: number, shape: Shape): number | undefined {
  if (shape === null) return undefined;
  const positive = positiveAxis(axis, shape.length);
  return positive >= 0 && positive < shape.length ? positive : undefined;
}
