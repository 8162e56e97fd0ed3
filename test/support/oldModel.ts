import { type AttributeInput } from '../../src/engine/graph/graphBuilder.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { GraphNode, Model } from '../../src/onnx/model.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';
import { emptyModel } from './modelBuilder.js';

/** One node at some opset, and what it is fed. */
export interface OldNode {
  readonly opset: number;
  readonly op: string;
  /** `''` leaves an optional input out; `{ constant }` makes it an initializer. */
  readonly inputs: readonly (TensorValue | '' | { readonly constant: TensorValue })[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly outputCount?: number;
}

/** A model and what to feed it. */
export interface FedModel {
  readonly model: Model;
  readonly feeds: Record<string, TensorValue>;
}

/** Returns a float attribute, or one of several floats. */
export function float(value: number | readonly number[]): AttributeInput {
  return typeof value === 'number' ? { kind: 'float', value } : { kind: 'floats', value };
}

/** Returns a model of one node named `node`, with inputs `in0`, … of declared types and outputs `out0`, … */
export function oldModel({ opset, op, inputs, attributes = {}, outputCount = 1 }: OldNode): FedModel {
  const builder = new GraphBuilder(emptyModel(opset));
  const feeds: Record<string, TensorValue> = {};
  const names = inputs.map((input, i) => {
    if (input === '') return '';
    if ('constant' in input) return builder.constant(input.constant, `in${i}`);
    feeds[`in${i}`] = input;
    return builder.addInput(`in${i}`, { kind: 'tensor', elementType: input.dtype, shape: input.dims });
  });
  const outputs = Array.from({ length: outputCount }, (_, i) => `out${i}`);
  builder.node(op, names, { name: 'node', attributes, outputs });
  for (const output of outputs) builder.addOutput(output);
  return { model: builder.build(), feeds };
}

/** Returns a body graph without inputs. */
export function bodyOf(nodes: readonly GraphNode[], outputs: readonly string[]): AttributeInput {
  const { graph } = emptyModel();
  const values = outputs.map((name) => ({ name, type: { kind: 'unknown' } as const, metadata: new Map() }));
  return { kind: 'graph', value: { ...graph, name: 'body', nodes, outputs: values } };
}
