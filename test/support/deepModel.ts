import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** Nodes of one block of `deepModel`. */
export const nodesPerBlock = 51;

/**
 * Returns a model as transformers are exported: blocks in a row, each with normalisations written out, attention by heads,
 * an MLP and two residual sums, every node named by its scope; a mask goes to every block. The weights are of one element;
 * only structure counts.
 */
export function deepModel(blockCount: number): Model {
  const builder = new GraphBuilder(emptyModel());
  const mask = builder.node(
    'Sub',
    [builder.addInput('mask', floatType('N', 1, 'T', 'T')), builder.scalar(1)],
    {
      name: '/encoder/Sub',
    },
  );
  const writer = new BlockWriter(builder, mask);
  let value = builder.addInput('x', floatType('N', 'T', 8));
  for (let block = 0; block < blockCount; block++) value = writer.block(value, `/encoder/layers.${block}`);
  builder.addOutput(value);
  return builder.build();
}

/** Returns a model of nodes in a row that have no scopes: old exporters wrote such. */
export function flatModel(nodeCount: number): Model {
  const builder = new GraphBuilder(emptyModel());
  let value = builder.addInput('x', floatType('N', 8));
  for (let i = 0; i < nodeCount; i++) {
    value = builder.node(i % 2 === 0 ? 'Abs' : 'Neg', [value], { name: `Node_${i}`, outputs: [`v${i}`] });
  }
  builder.addOutput(value);
  return builder.build();
}

class BlockWriter {
  private count = 0;

  constructor(
    private readonly builder: GraphBuilder,
    private readonly mask: string,
  ) {}

  block(input: string, scope: string): string {
    const attended = this.attention(this.norm(input, `${scope}/norm1`), `${scope}/attn`);
    const middle = this.op('Add', [input, attended], scope);
    const mixed = this.mlp(this.norm(middle, `${scope}/norm2`), `${scope}/mlp`);
    return this.op('Add', [middle, mixed], scope);
  }

  private norm(input: string, scope: string): string {
    const mean = this.op('ReduceMean', [input], scope);
    const centred = this.op('Sub', [input, mean], scope);
    const squared = this.op('Mul', [centred, centred], scope);
    const spread = this.op(
      'Sqrt',
      [this.op('Add', [this.op('ReduceMean', [squared], scope), this.weight()], scope)],
      scope,
    );
    const scaled = this.op('Mul', [this.op('Div', [centred, spread], scope), this.weight()], scope);
    return this.op('Add', [scaled, this.weight()], scope);
  }

  private attention(input: string, scope: string): string {
    const [query, key, value] = ['q', 'k', 'v'].map((name) => {
      const projected = this.dense(input, `${scope}/${name}_proj`);
      return this.op('Transpose', [this.op('Reshape', [projected, this.weight()], scope)], scope);
    });
    const scores = this.op('MatMul', [query!, this.op('Transpose', [key!], scope)], scope);
    const scaled = this.op('Add', [this.op('Div', [scores, this.weight()], scope), this.mask], scope);
    const mixed = this.op('MatMul', [this.op('Softmax', [scaled], scope), value!], scope);
    const joined = this.op('Reshape', [this.op('Transpose', [mixed], scope), this.weight()], scope);
    return this.dense(joined, `${scope}/out_proj`);
  }

  private mlp(input: string, scope: string): string {
    const hidden = this.dense(input, `${scope}/fc1`);
    const act = `${scope}/act`;
    const gate = this.op('Erf', [this.op('Div', [hidden, this.weight()], act)], act);
    const gelu = this.op('Mul', [hidden, this.op('Add', [gate, this.weight()], act)], act);
    return this.dense(this.op('Mul', [gelu, this.weight()], act), `${scope}/fc2`);
  }

  private dense(input: string, scope: string): string {
    return this.op('Add', [this.op('MatMul', [input, this.weight()], scope), this.weight()], scope);
  }

  private op(opType: string, inputs: readonly string[], scope: string): string {
    const id = this.count++;
    return this.builder.node(opType, inputs, { name: `${scope}/${opType}_${id}`, outputs: [`v${id}`] });
  }

  private weight(): string {
    return this.builder.constant(float32Tensor([this.count], [1]), `w${this.count}`);
  }
}
