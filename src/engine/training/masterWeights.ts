import { dataTypeFacts } from '../../onnx/dataTypes.js';
import { inlineValue, loadTensor } from '../../onnx/loadTensor.js';
import type { Model, Tensor } from '../../onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { renameReads } from '../rewrites/renameReads.js';
import type { Runtime } from '../runtime/session.js';

/** A model whose float16 parameters are trained as float32 copies, each under the parameter's own name. */
export interface MasteredModel {
  readonly model: Model;
  /** Returns the model as it was built, with the copies rounded to float16 in the parameters' place. */
  restore(trained: Model, runtime: Runtime): Promise<Model>;
}

/**
 * Returns the model reading its float16 parameters through a Cast from float32 copies.
 *
 * Most updates are smaller than the distance between two float16 numbers: added to these, they would be lost.
 *
 * Source: Micikevicius et al. (2018), "Mixed Precision Training", section 3.1, https://arxiv.org/abs/1710.03740. Differs:
 * the loss is not scaled, so gradients below float16's least number are 0.
 */
export async function withMasterWeights(model: Model, parameters: readonly string[]): Promise<MasteredModel> {
  const { initializers } = model.graph;
  const halves = parameters.filter((name) => initializers.get(name)?.elementType === 'float16');
  if (halves.length === 0) return { model, restore: (trained) => Promise.resolve(trained) };
  const masters = new Map(initializers);
  const names = new GraphBuilder(model);
  const casts = new GraphBuilder({ ...model, graph: { ...model.graph, nodes: [] } });
  let { nodes } = model.graph;
  for (const name of halves) {
    const tensor = initializers.get(name);
    if (tensor === undefined) continue;
    const numbers = Float32Array.from(toFloat64(await loadTensor(tensor)));
    masters.set(name, inlineTensor(name, float32Tensor(numbers, tensor.dims)));
    const half = names.freshName(`${name}/float16`);
    casts.node('Cast', [name], { outputs: [half], attributes: { to: dataTypeFacts('float16').code } });
    nodes = nodes.map((node) => renameReads(node, name, half));
  }
  const all = [...casts.build().graph.nodes, ...nodes];
  return {
    model: { ...model, graph: { ...model.graph, nodes: all, initializers: masters } },
    restore: async (trained, runtime) => {
      const rounded = await roundToHalf(trained, halves, runtime);
      return {
        ...model,
        graph: { ...model.graph, initializers: new Map([...trained.graph.initializers, ...rounded]) },
      };
    },
  };
}

/** Rounds as the runtime rounds in every step. */
async function roundToHalf(
  trained: Model,
  names: readonly string[],
  runtime: Runtime,
): Promise<ReadonlyMap<string, Tensor>> {
  const empty = { inputs: [], outputs: [], nodes: [], initializers: new Map(), valueInfo: new Map() };
  const builder = new GraphBuilder({ ...trained, graph: { ...trained.graph, ...empty } });
  const feeds: Record<string, TensorValue> = {};
  const outputs = names.map((name, i) => {
    const tensor = trained.graph.initializers.get(name);
    const value = tensor === undefined ? undefined : inlineValue(tensor);
    if (value === undefined) throw new Error(`The parameter ${name} was lost.`);
    feeds[`x${String(i)}`] = value;
    builder.addInput(`x${String(i)}`, { kind: 'tensor', elementType: 'float32', shape: value.dims });
    const output = builder.cast(`x${String(i)}`, dataTypeFacts('float16').code);
    builder.addOutput(output, { kind: 'tensor', elementType: 'float16', shape: value.dims });
    return output;
  });
  const session = await runtime.open(builder.build(), { purpose: 'probe' });
  try {
    const results = await session.run(feeds);
    return new Map(
      names.map((name, i) => {
        const value = results[outputs[i] ?? ''];
        if (value === undefined) throw new Error(`The parameter ${name} was lost.`);
        return [name, inlineTensor(name, value)];
      }),
    );
  } finally {
    await session.close();
  }
}

function inlineTensor(name: string, { dtype, dims, data }: TensorValue): Tensor {
  if (Array.isArray(data)) throw new Error(`The parameter ${name} is text.`);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return { name, elementType: dtype, dims, source: { kind: 'inline', bytes } };
}
