import { GraphBuilder } from '../../engine/graph/graphBuilder.js';
import { differentiate } from '../../engine/gradients/differentiate.js';
import type { FunctionValues } from '../../engine/numeric/gaussianMoments.js';
import { prune } from '../../engine/rewrites/prune.js';
import type { Runtime, Session } from '../../engine/runtime/session.js';
import type { Layer } from '../../onnx/layers/layer.js';
import type { Model } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import { float32Tensor, toFloat64 } from '../../onnx/tensorValue.js';

/** A function of one number, as it stands in a model. */
export interface ScalarFunction {
  at(points: Float64Array): Promise<FunctionValues>;
  close(): Promise<void>;
}

/**
 * Cuts an activation out of a model and opens it, with its derivative by reverse mode; a reason, to stand behind "not
 * predicted: ", where it is no function of one number alone.
 */
export async function openActivation(
  model: Model,
  layer: Pick<Layer, 'input' | 'output'>,
  runtime: Runtime,
): Promise<ScalarFunction | string> {
  const { input, output } = layer;
  if (input === null) return 'what enters it is not known';
  const cut = cutOut(model, input, output);
  if (cut.graph.inputs.some(({ name }) => name !== input)) return 'it reads more than one value';
  for (const { dims } of cut.graph.initializers.values()) {
    if (dims.some((size) => size !== 1)) return 'it has a parameter of its own for each unit';
  }
  const builder = new GraphBuilder(cut);
  const ones = builder.node('ConstantOfShape', [builder.node('Shape', [output])], {
    attributes: { value: { kind: 'tensor', value: oneTensor } },
  });
  const built = builder.build();
  const { model: whole, gradients } = differentiate(built, {
    seeds: [{ value: output, cotangent: ones }],
    wrt: [input],
    types: inferTypes(built),
  });
  const slope = gradients.get(input);
  if (slope === undefined) return 'it has no derivative';
  const outputs = new GraphBuilder(whole);
  outputs.addOutput(slope);
  const session = await runtime.open(prune(outputs.build(), [output, slope]), { purpose: 'probe' });
  return {
    at: (points: Float64Array) => evaluate(session, points, { input, output, slope }),
    close: () => session.close(),
  };
}

const oneTensor = {
  name: '',
  elementType: 'float32',
  dims: [1],
  source: { kind: 'inline', bytes: new Uint8Array(Float32Array.of(1).buffer) },
} as const;

/** The model from `input`, now an input of any length, to `output`. */
function cutOut(model: Model, input: string, output: string): Model {
  const { graph } = model;
  const type = { kind: 'tensor', elementType: 'float32', shape: ['points'] } as const;
  const entry = { name: input, type, metadata: new Map<string, string>() };
  const builder = new GraphBuilder({
    ...model,
    graph: {
      ...graph,
      nodes: graph.nodes.filter((node) => !node.outputs.includes(input)),
      inputs: [entry, ...graph.inputs.filter(({ name }) => name !== input)],
      outputs: [],
      valueInfo: new Map(),
    },
  });
  builder.addOutput(output);
  return prune(builder.build(), [output]);
}

async function evaluate(
  session: Session,
  points: Float64Array,
  names: { readonly input: string; readonly output: string; readonly slope: string },
): Promise<FunctionValues> {
  const feeds = { [names.input]: float32Tensor(Float32Array.from(points), [points.length]) };
  const found = await session.run(feeds);
  const [values, slopes] = [found[names.output], found[names.slope]];
  if (values === undefined || slopes === undefined) {
    throw new Error('The runtime gave no values of the activation.');
  }
  return { values: toFloat64(values), slopes: toFloat64(slopes) };
}
