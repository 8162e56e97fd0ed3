import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { type DataType, dataTypeFacts } from '../../../src/onnx/dataTypes.js';
import type { Attribute, GraphNode, Model, Tensor, ValueType } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { caseRuntime } from '../../support/gradientCase.js';
import { runGradient } from '../../support/gradientRun.js';
import { emptyModel, normalTensor } from '../../support/modelBuilder.js';

const codes = { bfloat16: dataTypeFacts('bfloat16').code, float32: dataTypeFacts('float32').code };

/** Keeps the upper half of a float32: bfloat16 is that, cut. */
function cut(values: Float32Array): Uint16Array {
  return Uint16Array.from(new Uint32Array(values.slice().buffer), (bits) => bits >>> 16);
}

/** The float32 numbers that bfloat16 has for these. */
function onGrid(value: TensorValue): TensorValue {
  const bits = Uint32Array.from(cut(value.data as Float32Array), (half) => half << 16);
  return float32Tensor(new Float32Array(bits.buffer), value.dims);
}

const wDims = [4, 3];
const w = onGrid(normalTensor(createRandom(1), wDims));
const b = onGrid(normalTensor(createRandom(2), [3]));

function constant(builder: GraphBuilder, name: string, value: TensorValue, type: DataType): string {
  const data = value.data as Float32Array;
  const stored = type === 'float32' ? data.slice() : cut(data);
  const source = { kind: 'inline', bytes: new Uint8Array(stored.buffer) } as const;
  return builder.initializer({ name, elementType: type, dims: value.dims, source });
}

/** LayerNormalization, Gemm, a Gelu spelled out, Softmax and a Clip, all in one float type. */
function network(type: DataType): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', { kind: 'tensor', elementType: type, shape: ['N', 4] });
  const scale = constant(builder, 'scale', onGrid(float32Tensor([1, 0.5, 2, 1], [4])), type);
  const normal = builder.node('LayerNormalization', ['x', scale]);
  const dense = builder.node('Gemm', [
    normal,
    constant(builder, 'w', w, type),
    constant(builder, 'b', b, type),
  ]);
  const gate = builder.node('Sigmoid', [dense]);
  const silu = builder.node('Mul', [dense, gate]);
  const rectified = builder.node('Relu', [builder.node('Sub', [silu, constant(builder, 'b2', b, type)])]);
  const mean = builder.reduce('ReduceMean', rectified, [1], true);
  const shares = builder.node('Softmax', [builder.node('Add', [dense, mean])], { attributes: { axis: -1 } });
  builder.node('Mul', [shares, builder.node('Tanh', [dense])], { outputs: ['y'] });
  builder.addOutput('y');
  return builder.build();
}

/** Operators all of whose float operands and results are of one type. */
const uniform = new Set([
  ...[
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Pow',
    'MatMul',
    'Gemm',
    'Max',
    'Min',
    'Neg',
    'Sqrt',
    'Tanh',
    'Sigmoid',
    'Where',
  ],
  ...['ReduceSum', 'ReduceMean', 'Expand', 'Reciprocal', 'Concat', 'Softmax', 'Relu', 'Greater', 'Less'],
]);

function floatsOf(types: ReadonlyMap<string, ValueType>, names: readonly string[]): DataType[] {
  return names.flatMap((name) => {
    const type = types.get(name);
    return type?.kind === 'tensor' && dataTypeFacts(type.elementType).isFloat ? [type.elementType] : [];
  });
}

/** The model with bfloat16 said as float32, which the CPU has kernels for. */
function inSingle(model: Model): Model {
  const widen = (type: ValueType): ValueType =>
    type.kind === 'tensor' && type.elementType === 'bfloat16' ? { ...type, elementType: 'float32' } : type;
  const tensor = (given: Tensor): Tensor => {
    if (given.elementType !== 'bfloat16' || given.source.kind !== 'inline') return given;
    const halves = new Uint16Array(given.source.bytes.slice().buffer);
    const bytes = new Uint8Array(Uint32Array.from(halves, (half) => half << 16).buffer);
    return { ...given, elementType: 'float32', source: { kind: 'inline', bytes } };
  };
  const attribute = (name: string, given: Attribute): Attribute => {
    if (given.kind === 'tensor') return { ...given, value: tensor(given.value) };
    const isCode = name === 'to' && given.kind === 'int' && Number(given.value) === codes.bfloat16;
    return isCode ? { kind: 'int', value: BigInt(codes.float32) } : given;
  };
  const node = (given: GraphNode): GraphNode => ({
    ...given,
    attributes: new Map([...given.attributes].map(([name, value]) => [name, attribute(name, value)])),
  });
  const { graph } = model;
  return {
    ...model,
    graph: {
      ...graph,
      nodes: graph.nodes.map(node),
      inputs: graph.inputs.map((input) => ({ ...input, type: widen(input.type) })),
      outputs: graph.outputs.map((output) => ({ ...output, type: widen(output.type) })),
      initializers: new Map([...graph.initializers].map(([name, value]) => [name, tensor(value)])),
    },
  };
}

describe('gradients of a model in bfloat16', () => {
  const random = createRandom(4);
  const [x, u] = [onGrid(normalTensor(random, [2, 4])), onGrid(normalTensor(random, [2, 3]))];

  function backward(type: DataType): { readonly model: Model; readonly gradient: string } {
    const builder = new GraphBuilder(network(type));
    builder.addInput('cotangent', { kind: 'tensor', elementType: type, shape: ['N', 3] });
    const model = builder.build();
    const seeds = [{ value: 'y', cotangent: 'cotangent' }];
    const types = inferTypes(model, { keepsUnnamed: true });
    const result = differentiate(model, { seeds, wrt: ['x'], types });
    const last = new GraphBuilder(result.model);
    last.node('Identity', [result.gradients.get('x')!], { outputs: ['gradient'] });
    last.setOutputs(['gradient']);
    return { model: last.build(), gradient: 'gradient' };
  }

  it('are bfloat16 throughout: no operator is given two float types', () => {
    const { model, gradient } = backward('bfloat16');
    const types = inferTypes(model, { keepsUnnamed: true });
    let checkedCount = 0;
    for (const { opType, inputs, outputs } of model.graph.nodes) {
      if (!uniform.has(opType)) continue;
      const found = new Set(floatsOf(types, [...inputs, ...outputs]));
      assert.ok(found.size <= 1, `${opType} works on ${[...found].join(' and ')}`);
      checkedCount += found.has('bfloat16') ? 1 : 0;
    }
    assert.ok(checkedCount > 20, `${checkedCount} nodes work on bfloat16`);
    assert.deepEqual(floatsOf(types, [gradient]), ['bfloat16']);
  });

  it('say what those of the same model in float32 say', async () => {
    const session = await caseRuntime.open(inSingle(backward('bfloat16').model));
    const found = toFloat64((await session.run({ x, cotangent: u }))['gradient']!);
    const run = { feeds: { x }, output: 'y', cotangent: u, wrt: 'x' };
    const { gradient } = await runGradient(network('float32'), run);
    const size = Math.max(...gradient.map(Math.abs));
    gradient.forEach((value, i) => {
      assert.ok(Math.abs(found[i]! - value) <= 1e-5 * size, `element ${i}: ${found[i]}, not ${value}`);
    });
  });
});
