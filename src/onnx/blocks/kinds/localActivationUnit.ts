import type { GraphNode } from '../../model.js';
import { type BlockContext, type BlockKind, type FoundBlock } from '../blockKind.js';
import { behindShape, computedInputs, isOperator, nodesBetween, readersOf } from '../walks.js';

/** What may stand between the unit's score and the sum that it weights: masks, scales, a softmax in later variants. */
const scoring: ReadonlySet<string> = new Set(['Where', 'Mul', 'Div', 'Add', 'Softmax', 'Sigmoid', 'Cast']);

/** Longest way from what is compared to the weighted sum, layers and activations written out. */
const maxSteps = 64;

/** A local activation unit, with the values that tell what it weights. */
export interface LocalActivation {
  /** The weights of the behaviours, as they enter the sum: `[N, T, 1]`, `[N, 1, T]` or `[N, T]`. */
  readonly weights: string;
  /** Embeddings of the behaviours, `[N, T, D]`. */
  readonly behaviours: string;
  /** Where behaviours and candidate are compared. */
  readonly comparison: GraphNode;
  /** The weighted sum. */
  readonly output: string;
}

/**
 * Local activation unit: v(A) = Σ_j a(e_j, v_A) e_j, where a small network a looks at a behaviour, the candidate, and their
 * difference or product; the weights need not sum to 1.
 */
export const localActivationUnit: BlockKind = {
  id: 'local-activation-unit',
  limits:
    'A network over behaviours joined with their difference or product with the candidate, whose one output per behaviour weights the same behaviours in a sum; masks, scales and a softmax may stand between. Units that compare by an outer product alone are not recognised.',
  papers: [
    {
      id: 'zhou2017din',
      title: 'Deep Interest Network for Click-Through Rate Prediction',
      url: 'https://arxiv.org/abs/1706.06978',
      line: 35,
    },
  ],
  rows: [
    {
      line: 35,
      limits:
        'The unit is recognised where behaviour and candidate are compared by difference or product, and Dice with its normalisation inside.',
    },
  ],
  find(context) {
    return findLocalActivations(context).flatMap(({ comparison, output }) => {
      const nodes = nodesBetween(context, new Set(comparison.inputs), output);
      if (nodes === undefined || nodes.size === 0) return [];
      return [{ nodes: new Set([...nodes, comparison]), output, variant: '' } satisfies FoundBlock];
    });
  },
};

/** Returns the local activation units of a graph, in file order. */
export function findLocalActivations(context: BlockContext): LocalActivation[] {
  return context.view.graph.nodes.flatMap((node) => {
    const behaviours = comparedIn(context, node);
    return behaviours === undefined ? [] : (weightedSum(context, node, behaviours) ?? []);
  });
}

/** Returns the operands of a Concat that stand beside their own difference or product with another; undefined for none. */
function comparedIn({ view }: BlockContext, concat: GraphNode): ReadonlySet<string> | undefined {
  if (!isOperator(concat, 'Concat') || concat.inputs.length < 3) return undefined;
  const compared = new Set<string>();
  const parts = new Set(concat.inputs.map((input) => behindShape(view, input)));
  for (const input of concat.inputs) {
    const node = view.index.producerOf(behindShape(view, input));
    if (!isOperator(node, 'Sub', 'Mul')) continue;
    const [left = '', right = ''] = computedInputs(view, node).map((operand) => behindShape(view, operand));
    if (left === right || !parts.has(left) || !parts.has(right)) continue;
    compared.add(left).add(right);
  }
  return compared.size === 0 ? undefined : compared;
}

/** Follows what is compared through the unit to the sum of the behaviours that it weights. */
function weightedSum(
  context: BlockContext,
  comparison: GraphNode,
  behaviours: ReadonlySet<string>,
): LocalActivation | undefined {
  const { view, layerOf } = context;
  const seen = new Set<GraphNode>();
  const queue = [{ value: comparison.outputs[0] ?? '', isScore: false }];
  for (const { value, isScore } of queue) {
    if (seen.size > maxSteps) return undefined;
    for (const reader of readersOf(view, value)) {
      const { node } = reader;
      if (seen.has(node)) continue;
      seen.add(node);
      const sum = isScore ? sumOver(context, reader, behaviours) : undefined;
      if (sum !== undefined) return { comparison, ...sum };
      const layer = layerOf.get(node);
      const isInside = layer !== undefined || scoring.has(node.opType) || isOperator(node, 'Sub');
      if (!isInside) continue;
      const isLast = isScore || (layer?.kind === 'dense' && layer.ownUnits === 1);
      const [output = ''] = node.outputs;
      queue.push({ value: layer?.nodes.at(-1) === node ? layer.output : output, isScore: isLast });
    }
  }
  return undefined;
}

/** The product of weights and behaviours: MatMul, or Mul and a sum over the behaviours. */
function sumOver(
  { view }: BlockContext,
  { node, value }: { readonly node: GraphNode; readonly value: string },
  behaviours: ReadonlySet<string>,
): Omit<LocalActivation, 'comparison'> | undefined {
  if (!isOperator(node, 'MatMul', 'Mul')) return undefined;
  const other = node.inputs.find((input) => input !== value) ?? '';
  const base = behindShape(view, other);
  if (!behaviours.has(base)) return undefined;
  const product = node.outputs[0] ?? '';
  const found = { weights: value, behaviours: base };
  if (isOperator(node, 'MatMul')) return { ...found, output: product };
  const sum = view.index.consumersOf(product).find((reader) => isOperator(reader, 'ReduceSum', 'ReduceMean'));
  return sum === undefined ? undefined : { ...found, output: sum.outputs[0] ?? '' };
}
