import { UserError } from '../../base/errors.js';
import type { DataType } from '../dataTypes.js';
import {
  type Attribute,
  type Dimension,
  type GraphNode,
  qualifiedOperator,
  type ValueType,
} from '../model.js';
import type { TensorValue } from '../tensorValue.js';

/** What a converter may ask for and add. */
export interface ConversionContext {
  /** Opset of the graph before conversion. */
  readonly opset: number;
  /** Type of a value of the model before conversion. */
  typeOf(name: string): ValueType;
  /** Elements of a small constant, or undefined when the value is computed or large. */
  numbersOf(name: string): readonly number[] | undefined;
  /** Adds a constant beside the node and returns its name. */
  constant(value: TensorValue): string;
  /** Returns a name nobody uses yet. */
  freshName(hint: string): string;
  /** Whether anything reads the value. */
  isUsed(name: string): boolean;
}

/** A node in its next form, and the nodes of opset 17 that run before and after it. */
export interface Converted {
  readonly before?: readonly GraphNode[];
  readonly node: GraphNode;
  readonly after?: readonly GraphNode[];
}

/** Brings a node from one version of its operator to the next; a bare node when it needs no others. */
export type Converter = (node: GraphNode, context: ConversionContext) => Converted | GraphNode;

/** One version change of some operators: the version that changed, and how to get there from the one before. */
export interface VersionChange {
  readonly operators: string;
  readonly version: number;
  readonly convert: Converter;
}

/** Returns a node without some attributes. */
export function withoutAttributes(node: GraphNode, ...names: readonly string[]): GraphNode {
  const attributes = new Map(node.attributes);
  for (const name of names) attributes.delete(name);
  return { ...node, attributes };
}

/** Returns a node with an attribute set. */
export function withAttribute(node: GraphNode, name: string, attribute: Attribute): GraphNode {
  return { ...node, attributes: new Map([...node.attributes, [name, attribute]]) };
}

/** Returns a node with an input set; positions between are left out with empty names. */
export function withInput(node: GraphNode, index: number, name: string): GraphNode {
  const inputs = [...node.inputs];
  while (inputs.length <= index) inputs.push('');
  inputs[index] = name;
  return { ...node, inputs };
}

/** Returns an int attribute. */
export function int(value: number): Attribute {
  return { kind: 'int', value: BigInt(value) };
}

/** What a new ai.onnx node is made of. */
export interface NodeParts {
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** Returns a new ai.onnx node. */
export function newNode(opType: string, { inputs, output, attributes = {} }: NodeParts): GraphNode {
  return {
    name: '',
    opType,
    domain: '',
    overload: '',
    inputs,
    outputs: [output],
    attributes: new Map(Object.entries(attributes)),
    metadata: new Map(),
  };
}

/** Returns the shape of a tensor, or undefined when its rank is unknown. */
export function shapeOf(context: ConversionContext, name: string): readonly Dimension[] | undefined {
  const type = context.typeOf(name);
  return type.kind === 'tensor' && type.shape !== null ? type.shape : undefined;
}

/** Returns the element type of a tensor, or undefined when it is unknown. */
export function elementTypeOf(context: ConversionContext, name: string): DataType | undefined {
  const type = context.typeOf(name);
  return type.kind === 'tensor' && type.elementType !== 'undefined' ? type.elementType : undefined;
}

/** Returns the error for a node that has no equivalent at opset 17. */
export function notConvertible(node: GraphNode, opset: number, reason: string): UserError {
  const where = node.name === '' ? `that makes "${node.outputs[0] ?? ''}"` : `"${node.name}"`;
  return new UserError(
    'opset-not-convertible',
    `The ${qualifiedOperator(node)} node ${where} of opset ${opset} cannot be converted to opset 17: ${reason}. ` +
      `Export the model again with opset 17 or newer.`,
    { detail: { operator: qualifiedOperator(node), node: node.name, opset } },
  );
}
