import { floatAttribute, type GraphNode, type Model } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { notTrainable } from './trainingErrors.js';

/** A model whose BatchNormalizations use the statistics of the batch they see. */
export interface BatchStatisticsModel {
  readonly model: Model;
  /** Name of the updated running mean or variance, by the initializer that holds it. */
  readonly running: ReadonlyMap<string, string>;
}

/**
 * Returns the model with every BatchNormalization normalising by the mean and variance of its batch, as in training.
 *
 * Running statistics follow as running′ = m·running + (1 − m)·batch with the operator's `momentum` m. Source: Ioffe &
 * Szegedy (2015), "Batch Normalization", algorithm 1, https://arxiv.org/abs/1502.03167. Differs: the running variance
 * takes the variance of the batch, not the unbiased estimate, as the ONNX operator does.
 */
export function useBatchStatistics(model: Model): BatchStatisticsModel {
  const isNormalization = (node: GraphNode): boolean => node.opType === 'BatchNormalization';
  if (!model.graph.nodes.some(isNormalization)) return { model, running: new Map() };
  const running = new Map<string, string>();
  const types = inferTypes(model);
  // The nodes are laid again one by one, so that the statistics stand before what reads them.
  const builder = new GraphBuilder({ ...model, graph: { ...model.graph, nodes: [] } });
  for (const output of model.graph.nodes.flatMap((node) => node.outputs)) builder.freshName(output);
  for (const node of model.graph.nodes) {
    if (!isNormalization(node)) builder.append(node);
    else for (const [name, value] of appendNormalization(builder, node, types)) running.set(name, value);
  }
  return { model: builder.build(), running };
}

function appendNormalization(
  builder: GraphBuilder,
  node: GraphNode,
  types: TypeTable,
): readonly (readonly [string, string])[] {
  const [x = '', scale = '', bias = '', runningMean = '', runningVariance = ''] = node.inputs;
  const type = types.get(x);
  const shape = type?.kind === 'tensor' ? type.shape : null;
  if (shape === null) throw notTrainable(scale, `the rank of "${x}", which it scales, is not known`);
  const axes = shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const mean = builder.reduce('ReduceMean', x, axes, true);
  const centred = builder.node('Sub', [x, mean]);
  const variance = builder.reduce('ReduceMean', builder.node('Mul', [centred, centred]), axes, false);
  const flatMean = builder.node('Squeeze', [mean, builder.int64s(axes)]);
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  builder.node('BatchNormalization', [x, scale, bias, flatMean, variance], {
    name: node.name,
    outputs: node.outputs.slice(0, 1),
    attributes: { epsilon: { kind: 'float', value: epsilon } },
  });
  const momentum = floatAttribute(node, 'momentum', 0.9);
  return [
    [runningMean, appendRunning(builder, { running: runningMean, batch: flatMean, momentum })],
    [runningVariance, appendRunning(builder, { running: runningVariance, batch: variance, momentum })],
  ];
}

function appendRunning(
  builder: GraphBuilder,
  {
    running,
    batch,
    momentum,
  }: { readonly running: string; readonly batch: string; readonly momentum: number },
): string {
  const kept = builder.node('Mul', [running, builder.scalar(momentum)]);
  return builder.node('Add', [kept, builder.node('Mul', [batch, builder.scalar(1 - momentum)])]);
}
