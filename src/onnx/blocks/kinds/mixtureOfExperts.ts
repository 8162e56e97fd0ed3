import type { GraphView } from '../../layers/graphView.js';
import type { GraphNode } from '../../model.js';
import { type BlockContext, type BlockKind, type FoundBlock } from '../blockKind.js';
import { behindShape, computedInputs, isOperator, layerMaking, nodesBetween, readersOf } from '../walks.js';

/** Operators that pick from a router's probabilities, or bring them into the shape of what they weight. */
const picking: ReadonlySet<string> = new Set([
  ...['TopK', 'Div', 'Gather', 'GatherElements', 'GatherND', 'Slice', 'Split', 'ScatterElements', 'Mul'],
]);

/** Longest way from a router to what it weights. */
const maxRoutingSteps = 24;

/** Σ_i g_i(x) E_i(x): a router's probabilities g weight what experts make of the same value. */
export const mixtureOfExperts: BlockKind = {
  id: 'mixture-of-experts',
  limits:
    'A softmax of one dense layer, or of its best k, whose probabilities, all or the best k, weight what two or more other dense layers make of the same value; or the fused MoE operators of com.microsoft. Experts behind If branches or loops are not recognised.',
  papers: [
    {
      id: 'shazeer2017',
      title: 'Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer',
      url: 'https://arxiv.org/abs/1701.06538',
    },
  ],
  rows: [],
  find(context) {
    return context.view.graph.nodes.flatMap((node) => {
      if (isOperator(node, 'com.microsoft:MoE', 'com.microsoft:QMoE')) return fused(context, node);
      return isOperator(node, 'Softmax') ? (routedBy(context, node) ?? []) : [];
    });
  },
};

function fused(context: BlockContext, node: GraphNode): FoundBlock {
  const router = layerMaking(context, node.inputs[1] ?? '');
  return { nodes: [...(router?.nodes ?? []), node], output: node.outputs[0] ?? '', variant: '' };
}

function routedBy(context: BlockContext, softmax: GraphNode): FoundBlock | undefined {
  const { view } = context;
  const router = layerMaking(context, scoresBehind(context, softmax));
  if (router?.kind !== 'dense') return undefined;
  const weighted = weightedValues(context, softmax);
  const ends = new Set<string>();
  for (const product of weighted) {
    const nodes = nodesBetween(context, new Set([router.input]), product);
    const experts = [...(nodes ?? [])].filter(
      (node) => context.layerOf.get(node)?.kind === 'dense' && !router.nodes.includes(node),
    );
    if (experts.length > 0) ends.add(product);
  }
  const output = joinOf(context, ends);
  const nodes = output === undefined ? undefined : nodesBetween(context, new Set([router.input]), output);
  const isEnough = ends.size >= 2 || isStack(view.index.consumersOf([...ends][0] ?? ''));
  return output === undefined || nodes === undefined || !isEnough
    ? undefined
    : { nodes, output, variant: '' };
}

/** Returns what a softmax of a router's scores reads: all scores, or those of which the best k were taken before. */
function scoresBehind({ view }: BlockContext, softmax: GraphNode): string {
  const choice = choiceBefore(view, softmax);
  return (choice ?? softmax).inputs[0] ?? '';
}

/** Returns the TopK whose best values a softmax makes weights of, if one does. */
export function choiceBefore(view: GraphView, softmax: GraphNode): GraphNode | undefined {
  const best = behindShape(view, softmax.inputs[0] ?? '');
  const node = view.index.producerOf(best);
  return isOperator(node, 'TopK') && node.outputs[0] === best ? node : undefined;
}

/** Returns the products of the router's probabilities with other computed values. */
function weightedValues({ view }: BlockContext, softmax: GraphNode): string[] {
  const found: string[] = [];
  const own = new Set<string>(softmax.outputs);
  const seen = new Set<GraphNode>();
  for (const value of own) {
    for (const reader of readersOf(view, value)) {
      if (seen.has(reader.node) || seen.size > maxRoutingSteps) continue;
      seen.add(reader.node);
      const others = computedInputs(view, reader.node).filter(
        (input) => input !== reader.value && !own.has(input),
      );
      const isProduct = isOperator(reader.node, 'Mul', 'MatMul', 'Einsum') && others.length > 0;
      if (isProduct) found.push(reader.node.outputs[0] ?? '');
      else if (picking.has(reader.node.opType)) for (const output of reader.node.outputs) own.add(output);
    }
  }
  return found;
}

/** Experts stacked along an axis are summed over it. */
function isStack(readers: readonly GraphNode[]): boolean {
  return readers.some((node) => isOperator(node, 'ReduceSum'));
}

/** Returns the sum that all weighted values end in. */
function joinOf({ view }: BlockContext, ends: ReadonlySet<string>): string | undefined {
  let values = new Set(ends);
  for (let step = 0; step < 16 && values.size > 0; step++) {
    const next = new Set<string>();
    for (const value of values) {
      const sum = readersOf(view, value).find(({ node }) =>
        isOperator(node, 'Add', 'Sum', 'ReduceSum', 'Concat'),
      );
      if (sum !== undefined) next.add(sum.node.outputs[0] ?? '');
    }
    if (next.size === 1) return [...next][0];
    if (next.size === 0) return undefined;
    values = next;
  }
  return undefined;
}
