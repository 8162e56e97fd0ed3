import { throwIfAborted } from '../../../base/abort.js';
import type { Random } from '../../../base/random.js';
import { loadTensor } from '../../../onnx/loadTensor.js';
import type { Model, Tensor } from '../../../onnx/model.js';
import { expectedSizeBytes } from '../../../onnx/tensorBytes.js';
import type { TensorData } from '../../../onnx/tensorValue.js';
import { learnedLayers } from '../../shared/learnedLayers.js';

/** Steps of a cascade, at most: deep models are shuffled some layers at a time. */
export const maxStageCount = 5;

/** A model whose last layers, or all, have lost what they learned. */
export interface ShuffledModel {
  readonly model: Model;
  readonly layerCount: number;
  /** The layer nearest to the input whose weights are shuffled. */
  readonly downTo: string;
}

/**
 * Returns the model with the elements of each weight in random order, from the last layer down to the first in at most
 * five steps; empty where no layer has weights. With `isWhole` only the last step.
 *
 * A shuffled weight has the mean and spread that training gave it, and nothing else of it.
 *
 * Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim (2018), "Sanity Checks for Saliency Maps",
 * https://arxiv.org/abs/1810.03292. Differs: the paper initialises the weights anew.
 */
export async function shuffledModels(
  model: Model,
  random: Random,
  options: { readonly isWhole: boolean; readonly signal: AbortSignal },
): Promise<readonly ShuffledModel[]> {
  const layers = [...learnedLayers(model)].reverse();
  if (layers.length === 0) return [];
  const initializers = new Map(model.graph.initializers);
  const stageCount = options.isWhole ? 1 : Math.min(maxStageCount, layers.length);
  const stages: ShuffledModel[] = [];
  let doneCount = 0;
  for (let stage = 1; stage <= stageCount; stage++) {
    const layerCount = Math.ceil((stage * layers.length) / stageCount);
    for (const { weights } of layers.slice(doneCount, layerCount)) {
      for (const weight of weights) initializers.set(weight.name, await shuffled(weight, random));
      throwIfAborted(options.signal);
    }
    doneCount = layerCount;
    stages.push({
      model: { ...model, graph: { ...model.graph, initializers: new Map(initializers) } },
      layerCount,
      downTo: layers[layerCount - 1]?.name ?? '',
    });
  }
  return stages;
}

/** Elements that are packed several to a byte stay in order. */
async function shuffled(weight: Tensor, random: Random): Promise<Tensor> {
  const { data } = await loadTensor(weight);
  const isPacked = !Array.isArray(data) && data.byteLength !== expectedSizeBytes(weight);
  if (Array.isArray(data) || isPacked) return weight;
  const result = data.slice();
  for (let i = result.length - 1; i > 0; i--) swap(result, i, random.integer(i + 1));
  const bytes = new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
  return { ...weight, source: { kind: 'inline', bytes } };
}

function swap(data: Exclude<TensorData, string[]>, i: number, j: number): void {
  // One array's elements are all of one type, number or bigint.
  const elements = data as unknown as number[];
  [elements[i], elements[j]] = [elements[j] ?? 0, elements[i] ?? 0];
}
