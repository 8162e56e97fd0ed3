import { type BlockContext } from '../../../onnx/blocks/blockKind.js';
import { mainBlockContext } from '../../../onnx/blocks/findBlocks.js';
import { choiceBefore } from '../../../onnx/blocks/kinds/mixtureOfExperts.js';
import { computedInputs, isOperator, readersOf } from '../../../onnx/blocks/walks.js';
import type { GraphView } from '../../../onnx/layers/graphView.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import { type GraphNode, intAttribute, type Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';

/** Weights of a model by which modules take part. */
export interface Router {
  readonly name: string;
  readonly kind: 'mixture of experts' | 'skills';
  readonly moduleCount: number;
  /** Value of the weights, [N, …, modules], or [N, …, k] of the chosen alone. */
  readonly weights: string;
  /** They are scores before a softmax. */
  readonly areScores: boolean;
  /** Value of the numbers of the chosen modules, [N, …, k], where the graph chooses. */
  readonly chosen?: string;
  /** The weights are those of the chosen: the graph chooses before the softmax. */
  readonly areOfChosen?: boolean;
  /** How many have the largest weights and are chosen, where one operator does it all. */
  readonly chosenCount?: number;
}

/** Operators that pick the weight of one module, or bring it into shape. */
const picking: ReadonlySet<string> = new Set(['Gather', 'Slice', 'Split', 'GatherElements']);

/** Weights over more modules than this are features. */
const maxModuleCount = 512;

/**
 * Returns the routers of a model's main graph: recognised mixtures of experts, and skills, whose weights are an input or a sigmoid of
 * which every element multiplies what another module makes.
 */
export function routersOf(model: Model): Router[] {
  const types = inferTypes(model);
  const context = mainBlockContext(model, types);
  const mixtures = layersOf(model, types)
    .blocks.filter(({ kind }) => kind === 'mixture-of-experts')
    .flatMap(({ name, nodes }) => mixture({ name, nodes }, context.view, types) ?? []);
  const inputs = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name));
  const values = [
    ...inputs.map(({ name }) => name),
    ...model.graph.nodes.filter((node) => isOperator(node, 'Sigmoid')).map(({ outputs }) => outputs[0] ?? ''),
  ];
  return [...mixtures, ...values.flatMap((value) => skills(value, context, types) ?? [])];
}

function mixture(
  { name, nodes }: { readonly name: string; readonly nodes: readonly GraphNode[] },
  view: GraphView,
  types: TypeTable,
): Router | undefined {
  const fused = nodes.find((node) => isOperator(node, 'com.microsoft:MoE', 'com.microsoft:QMoE'));
  const softmax = nodes.find((node) => isOperator(node, 'Softmax'));
  const choice = softmax === undefined ? undefined : choiceBefore(view, softmax);
  const weights = fused?.inputs[1] ?? softmax?.outputs[0] ?? '';
  const moduleCount = lastSize(choice?.inputs[0] ?? weights, types);
  if (moduleCount === undefined) return undefined;
  const common = { name, kind: 'mixture of experts', moduleCount, weights, areScores: false } as const;
  if (fused !== undefined) {
    return { ...common, areScores: true, chosenCount: intAttribute(fused, 'k', 1) };
  }
  const chosen = (choice ?? nodes.find((node) => isOperator(node, 'TopK')))?.outputs[1];
  return {
    ...common,
    ...(chosen === undefined ? {} : { chosen }),
    ...(choice === undefined ? {} : { areOfChosen: true }),
  };
}

/** Every element of the weights must multiply something: a gate of channels is one product, a cell's gates are cut in two or three. */
function skills(value: string, { view }: BlockContext, types: TypeTable): Router | undefined {
  const moduleCount = lastSize(value, types);
  if (moduleCount === undefined) return undefined;
  const products = new Set<string>();
  for (const pick of readersOf(view, value)) {
    if (!picking.has(pick.node.opType)) return undefined;
    for (const piece of pick.node.outputs) {
      for (const { node, value: weight } of readersOf(view, piece)) {
        const isWeighted = computedInputs(view, node).some((input) => input !== weight && input !== piece);
        if (isOperator(node, 'Mul') && isWeighted) products.add(piece);
      }
    }
  }
  if (products.size !== moduleCount) return undefined;
  return { name: value, kind: 'skills', moduleCount, weights: value, areScores: false };
}

function lastSize(value: string, types: TypeTable): number | undefined {
  const type = types.get(value);
  const size = type?.kind === 'tensor' ? type.shape?.at(-1) : undefined;
  return typeof size === 'number' && size >= 2 && size <= maxModuleCount ? size : undefined;
}
