import { type GraphNode, intsAttribute, type Model, type ValueType } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { GraphBuilder, makeNode } from '../graph/graphBuilder.js';
import { readsOf } from '../../onnx/graphIndex.js';

/** A rewritten model and the types of its values, new ones included. */
export interface PooledModel {
  readonly model: Model;
  readonly types: TypeTable;
}

/**
 * Moves the bias and ReLU between a Conv and its MaxPool behind the pool: relu(max z + b) = max relu(z + b).
 *
 * The pool then compares sums without the bias. In float32 that tells apart maxima that adding a bias of order one rounds
 * to a tie (nearly black images, the first steps of integrated gradients), so that their gradient takes the way it takes
 * in exact arithmetic; and bias and ReLU touch only the pooled elements. Values named in `keep`, graph outputs and values
 * with other readers stay as they are.
 */
export function poolBeforeBias(model: Model, types: TypeTable, keep: ReadonlySet<string>): PooledModel {
  const chains = findChains(model, types, keep);
  if (chains.length === 0) return { model, types };
  const names = new GraphBuilder(model);
  const replacements = new Map<GraphNode, readonly GraphNode[]>();
  const allTypes = new Map(types);
  for (const chain of chains) {
    const parts = moved(chain, (hint) => names.freshName(hint));
    replacements.set(chain.conv, [parts.conv]);
    if (chain.relu !== undefined) replacements.set(chain.relu, []);
    replacements.set(chain.pool, parts.tail);
    allTypes.set(parts.sums, chain.convType);
    for (const name of parts.pooled) allTypes.set(name, chain.poolType);
    allTypes.set(parts.bias, biasType(chain));
  }
  const nodes = model.graph.nodes.flatMap((node) => replacements.get(node) ?? [node]);
  return { model: { ...model, graph: { ...model.graph, nodes } }, types: allTypes };
}

interface Chain {
  readonly conv: GraphNode;
  readonly relu: GraphNode | undefined;
  readonly pool: GraphNode;
  readonly convType: ValueType;
  readonly poolType: ValueType;
  readonly spatialRank: number;
}

function findChains(model: Model, types: TypeTable, keep: ReadonlySet<string>): readonly Chain[] {
  const producers = new Map<string, GraphNode>();
  const readerCounts = new Map<string, number>();
  const count = (name: string): void => void readerCounts.set(name, (readerCounts.get(name) ?? 0) + 1);
  for (const node of model.graph.nodes) {
    for (const output of node.outputs) producers.set(output, node);
    for (const read of readsOf(node)) count(read);
  }
  for (const output of model.graph.outputs) count(output.name);
  const onlyProducer = (value: string | undefined): GraphNode | undefined =>
    value === undefined || keep.has(value) || readerCounts.get(value) !== 1
      ? undefined
      : producers.get(value);
  return model.graph.nodes.flatMap((pool) => {
    if (pool.opType !== 'MaxPool' || pool.domain !== '' || (pool.outputs[1] ?? '') !== '') return [];
    const before = onlyProducer(pool.inputs[0]);
    const relu = before?.opType === 'Relu' ? before : undefined;
    const conv = relu === undefined ? before : onlyProducer(relu.inputs[0]);
    if (conv?.opType !== 'Conv' || (conv.inputs[2] ?? '') === '') return [];
    const convType = types.get(conv.outputs[0] ?? '');
    const poolType = types.get(pool.outputs[0] ?? '');
    const spatialRank = intsAttribute(pool, 'kernel_shape')?.length;
    if (convType === undefined || poolType === undefined || spatialRank === undefined) return [];
    return [{ conv, relu, pool, convType, poolType, spatialRank }];
  });
}

interface Moved {
  readonly conv: GraphNode;
  /** What stands where the pool stood. */
  readonly tail: readonly GraphNode[];
  readonly sums: string;
  readonly bias: string;
  readonly pooled: readonly string[];
}

function moved(chain: Chain, freshName: (hint: string) => string): Moved {
  const { conv, relu, pool } = chain;
  const [output = ''] = pool.outputs;
  const sums = freshName(`ni/sums/${conv.outputs[0] ?? ''}`);
  const pooled = freshName(`ni/pooled/${output}`);
  const bias = freshName(`ni/bias/${output}`);
  const axes = freshName('ni/axes');
  const biased = relu === undefined ? output : freshName(`ni/biased/${output}`);
  const tail = [
    { ...pool, inputs: [sums], outputs: [pooled] },
    constantInts(
      axes,
      Array.from({ length: chain.spatialRank }, (_, i) => i + 1),
    ),
    makeNode('Unsqueeze', [conv.inputs[2] ?? '', axes], { outputs: [bias] }),
    makeNode('Add', [pooled, bias], { outputs: [biased] }),
    ...(relu === undefined ? [] : [{ ...relu, inputs: [biased], outputs: [output] }]),
  ];
  return {
    conv: { ...conv, inputs: conv.inputs.slice(0, 2), outputs: [sums] },
    tail,
    sums,
    bias,
    pooled: [pooled, biased],
  };
}

function constantInts(name: string, values: readonly number[]): GraphNode {
  const attributes = { value_ints: { kind: 'ints', value: values.map(BigInt) } } as const;
  return makeNode('Constant', [], { outputs: [name], attributes });
}

function biasType(chain: Chain): ValueType {
  const { convType } = chain;
  if (convType.kind !== 'tensor') return { kind: 'unknown' };
  const channels = convType.shape?.[1] ?? null;
  const ones = new Array<number>(chain.spatialRank).fill(1);
  return { kind: 'tensor', elementType: convType.elementType, shape: [channels, ...ones] };
}
