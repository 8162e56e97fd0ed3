import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../src/base/random.js';
import { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import { differentiate } from '../src/engine/gradients/differentiate.js';
import type { Model, ValueType } from '../src/onnx/model.js';
import { convertToOpset17 } from '../src/onnx/opsets/convert.js';
import { readModel } from '../src/onnx/readModel.js';
import { inferTypes } from '../src/onnx/shapes/inferTypes.js';
import { int64Tensor, type TensorValue } from '../src/onnx/tensorValue.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import { sharedDir } from '../test/support/paths.js';
import { resnet18 } from './resnet18.js';

/** A model whose gradients are measured, and what they may take. */
export interface Subject {
  readonly name: string;
  readonly model: Model;
  /** What the input is fed, the batch along axis 0. */
  readonly x: TensorValue;
  /** The value whose gradient is the input's, where that is not the input itself: the embedding of token ids. */
  readonly embedding?: string;
  /** Tables of the model that no training changes. */
  readonly fixed?: readonly string[];
  /** Whether the model takes this one batch, as many exports do: the runtime then knows all sizes. */
  readonly hasFixedBatch?: boolean;
  readonly inputBar: number;
  readonly weightsBar: number;
}

/** Returns the models there are: two of them are shared ones. */
export async function subjects(): Promise<Subject[]> {
  const random = createRandom(5);
  const dense = { inputBar: 2.5, weightsBar: 3.5 };
  const image = normalTensor(random, [4, 3, 112, 112]);
  const found: Subject[] = [
    { name: 'ResNet-18 at 112², batch 4', model: resnet18(), x: image, ...dense },
    { name: 'ResNet-18, batch fixed at 4', model: resnet18(), x: image, hasFixedBatch: true, ...dense },
  ];
  const mobilenet = await sharedModel('mobilenet-v1-025');
  if (mobilenet !== undefined) {
    const x = normalTensor(random, [2, 3, 224, 224]);
    found.push({ name: 'MobileNet 0.25 at 224², batch 2', model: mobilenet, x, inputBar: 5, weightsBar: 7 });
  }
  const stories = await sharedModel('stories260k');
  if (stories !== undefined) {
    const ids = Array.from({ length: 4 * 128 }, () => random.integer(512));
    found.push({
      name: 'stories260k, 4 texts of 128 tokens',
      model: stories,
      x: int64Tensor(ids, [4, 128]),
      embedding: 'embed_out',
      fixed: ['rope_cos', 'rope_sin', 'mask_full'],
      ...dense,
    });
  }
  return found;
}

async function sharedModel(name: string): Promise<Model | undefined> {
  const path = join(sharedDir ?? '', 'models', name, 'model.onnx');
  return sharedDir === undefined || !existsSync(path) ? undefined : convertToOpset17(await readModel(path));
}

/** Float weights that training changes: not the running statistics of BatchNormalization, nor fixed tables. */
export function trainedWeights(model: Model, fixed: readonly string[]): string[] {
  const constant = new Set([
    ...fixed,
    ...model.graph.nodes.flatMap((node) =>
      node.opType === 'BatchNormalization' ? node.inputs.slice(3) : [],
    ),
  ]);
  return [...model.graph.initializers.values()]
    .filter((tensor) => tensor.elementType === 'float32' && tensor.dims.length > 0)
    .map((tensor) => tensor.name)
    .filter((name) => !constant.has(name));
}

/** The model with fixed sizes but for the batch, as measuring its types would give, or with that too. */
export function shapedModel({ model, x, hasFixedBatch }: Subject): Model {
  const shape = hasFixedBatch === true ? x.dims : ['N', ...x.dims.slice(1)];
  const type: ValueType = { kind: 'tensor', elementType: x.dtype, shape };
  const inputs = model.graph.inputs.map((input) => ({ ...input, type }));
  return { ...model, graph: { ...model.graph, inputs } };
}

/** Forward and backward in one graph, the loss being the sum of the results; of each gradient its first row comes out. */
export function withGradients(model: Model, wrt: readonly string[]): Model {
  const builder = new GraphBuilder(model);
  const [output] = model.graph.outputs;
  const value = output!.name;
  const cotangent = builder.node('Expand', [builder.scalar(1), builder.node('Shape', [value])]);
  const { model: both, gradients } = differentiate(builder.build(), {
    seeds: [{ value, cotangent }],
    wrt,
    types: inferTypes(model),
  });
  const last = new GraphBuilder(both);
  // A gradient is read inside the graph (by an optimiser, a reduction), and stays there. Its first row and no norm of it: a sum takes it in
  // any order, and the runtime then leaves out what brings it into that of its weight.
  const first = last.int64s([0]);
  const rows = [...gradients.values()].map((gradient) => last.node('Gather', [gradient, first]));
  last.setOutputs([value, ...rows]);
  return last.build();
}
