import { readsOf } from '../../onnx/graphIndex.js';
import { bodiesOf, type GraphNode, intAttribute, type Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import { type Intervention, regionsOf } from '../rewrites/intervene.js';

/** One way to change a model: interventions that are applied in turn, together. */
export type Variant = readonly Intervention[];

/** The graph, and what variants do to it. */
export interface VariantFacts {
  readonly model: Model;
  readonly nodes: readonly GraphNode[];
  readonly types: TypeTable;
  readonly batch: string | undefined;
  readonly variants: readonly Variant[];
  /** The elements of a constant, where they are in memory. */
  readonly constantOf: (name: string) => TensorValue | undefined;
}

/** What has to be computed for each variant. */
export interface Reach {
  readonly nodes: ReadonlySet<GraphNode>;
  readonly values: ReadonlySet<string>;
}

/** Returns everything behind the changed values; with sizes that such nodes read, which count the repeated batch then. */
export function reachOf(facts: VariantFacts, changed: ReadonlySet<string>): Reach {
  const sources = new Set(changed);
  for (;;) {
    const reach = descendants(facts, sources);
    const sizes = sizesReadBy(facts, reach);
    if (sizes.length === 0) return reach;
    for (const size of sizes) sources.add(size);
  }
}

function descendants(facts: VariantFacts, sources: ReadonlySet<string>): Reach {
  const values = new Set(sources);
  const reached = new Set<GraphNode>();
  const sizes = new Set<string>();
  for (const node of facts.nodes) {
    const isSource = node.outputs.some((output) => sources.has(output) && isSize(node));
    const reads = [...readsOf(node)].filter((read) => values.has(read));
    if (isSize(node)) for (const output of node.outputs) sizes.add(output);
    if (!isSource && (reads.length === 0 || leavesBatchOut(facts, node, sizes))) continue;
    reached.add(node);
    for (const output of node.outputs) values.add(output);
  }
  return { nodes: reached, values };
}

function isSize({ opType }: GraphNode): boolean {
  return opType === 'Shape' || opType === 'Size';
}

/** Sizes of other axes than the batch are the same for every variant: what is made of them alone is not repeated. */
function leavesBatchOut(facts: VariantFacts, node: GraphNode, sizes: ReadonlySet<string>): boolean {
  const [data = '', chosen = ''] = node.inputs;
  if (node.opType === 'Shape') {
    const start = intAttribute(node, 'start', 0);
    const rank = shapeOf(facts, data)?.length ?? 0;
    return start > 0 || (start < 0 && start + rank > 0);
  }
  if (!sizes.has(data) || (node.opType !== 'Gather' && node.opType !== 'Slice')) return false;
  const isPositive = (name: string): boolean => {
    const constant = facts.constantOf(name);
    return constant !== undefined && toFloat64(constant).every((index) => index > 0);
  };
  const steps = node.inputs[4] ?? '';
  return isPositive(chosen) && (steps === '' || isPositive(steps));
}

/** Sizes of batches outside the reach that flow into it without passing a value that has the batch itself. */
function sizesReadBy(facts: VariantFacts, reach: Reach): string[] {
  const producers = new Map(
    facts.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)),
  );
  const sizes = new Set(facts.nodes.filter(isSize).flatMap((node) => node.outputs));
  const seen = new Set<string>();
  const found: string[] = [];
  const open = [...reach.nodes].flatMap((node) => [...readsOf(node)]);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const producer = producers.get(name);
    if (producer === undefined || seen.has(name) || reach.nodes.has(producer)) continue;
    if (hasBatch(facts, name) || leavesBatchOut(facts, producer, sizes)) continue;
    seen.add(name);
    if (isSize(producer) && hasBatch(facts, producer.inputs[0] ?? '')) found.push(name);
    else open.push(...readsOf(producer));
  }
  return found;
}

function shapeOf({ types }: VariantFacts, value: string): readonly unknown[] | null {
  const type = types.get(value);
  return type?.kind === 'tensor' ? type.shape : null;
}

/** Returns whether the batch is a value's first axis. */
export function hasBatch(facts: VariantFacts, value: string): boolean {
  return facts.batch !== undefined && shapeOf(facts, value)?.[0] === facts.batch;
}

/** Operators that mix the rows of a batch where their axis is the first, though the shape does not show it. */
const mixing: Readonly<Record<string, number>> = {
  Softmax: -1,
  LogSoftmax: -1,
  Hardmax: -1,
  LpNormalization: -1,
  LayerNormalization: -1,
  ReverseSequence: 1,
};

/** Returns why the batch cannot be repeated, or undefined when it can. */
export function obstacle(
  facts: VariantFacts,
  { changed, reach }: { readonly changed: ReadonlySet<string>; readonly reach: Reach },
): string | undefined {
  if (facts.batch === undefined) return 'its first input has no open batch axis';
  const regions = facts.variants.flat().flatMap(regionsOf).flat();
  if (regions.some(({ axis }) => axis === 0)) return 'a region names rows of the batch';
  for (const value of changed) {
    if (!hasBatch(facts, value)) return `"${value}" does not have the batch on its first axis`;
  }
  for (const node of reach.nodes) {
    if (bodiesOf(node).length > 0) return `${node.opType} has a body`;
    const mixes = mixesRows(facts, node);
    if (mixes) return `${node.opType} mixes the rows of a batch`;
    for (const output of node.outputs.filter((name) => name !== '')) {
      const shape = shapeOf(facts, output);
      if (shape === null) return `the shape of "${output}" is not known`;
      if (
        hasBatch(facts, output)
          ? shape.slice(1).some((size) => isOfBatch(facts, size))
          : !isCount(facts, output)
      ) {
        return `"${output}" does not keep the batch on its first axis alone`;
      }
    }
  }
  return undefined;
}

function isOfBatch({ batch }: VariantFacts, size: unknown): boolean {
  return typeof size === 'string' && size.split(/[^\w?]+/u).includes(batch ?? '');
}

function mixesRows(facts: VariantFacts, node: GraphNode): boolean {
  const axis = mixing[node.opType];
  const rank = shapeOf(facts, node.inputs[0] ?? '')?.length ?? 0;
  if (node.opType === 'CumSum' || node.opType === 'Unique' || node.opType === 'ScatterND') return true;
  if (axis === undefined) return false;
  const given = intAttribute(node, 'axis', axis);
  return given === 0 || given === -rank;
}

/** Small integers: sizes and what is made of them. */
function isCount({ types }: VariantFacts, value: string): boolean {
  const type = types.get(value);
  return type?.kind === 'tensor' && type.elementType === 'int64' && (type.shape?.length ?? 2) <= 1;
}
