import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** Tokens of the decoder, and positions. */
export const tokenCount = 12;
export const placeCount = 12;

/** Width of its stream: the token, the one before, the one before that, and the place, each one-hot. */
export const streamWidth = 3 * tokenCount + placeCount;

/** What a unit reads: the sum of what is true of a place, and a bias. */
export interface PlantedUnit {
  readonly token?: readonly number[];
  readonly before?: readonly number[];
  readonly beforeThat?: readonly number[];
  readonly place?: readonly number[];
  readonly bias: number;
  /** What it reads counts times this. */
  readonly weight?: number;
}

/** A feed-forward layer written by hand. */
export interface PlantedLayer {
  readonly units: readonly PlantedUnit[];
  /** What is multiplied with SiLU of the units, in a gated layer; ReLU without it. */
  readonly ups?: readonly PlantedUnit[];
  /** Effect of each unit on the scores, before the normalisation: [units][tokens]. */
  readonly writes: readonly (readonly number[])[];
  /** [streamWidth]. */
  readonly gain: readonly number[];
  /** Rows and tokens in one axis, as some exporters write dense layers. */
  readonly isFolded?: boolean;
}

/**
 * Returns a decoder of one residual feed-forward layer, a LayerNorm and an unembedding that reads the token of the stream;
 * with an `attention_mask` that it does not read.
 */
export function plantedTokenDecoder(layer: PlantedLayer): Model {
  const builder = new GraphBuilder(emptyModel());
  const type = { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] } as const;
  builder.addInput('input_ids', type);
  builder.addInput('attention_mask', type);
  const stream = streamOf(builder);
  const fold = (value: string, width: number): string =>
    layer.isFolded === true ? builder.node('Reshape', [value, builder.int64s([-1, width])]) : value;
  const dense = (value: string, name: string, units: readonly PlantedUnit[]): string => {
    const weight = builder.constant(
      float32Tensor(weightsOf(units), [streamWidth, units.length]),
      `mlp.${name}.weight`,
    );
    const biases = units.map(({ bias, weight: factor = 1 }) => bias * factor);
    const bias = builder.constant(float32Tensor(biases, [units.length]), `mlp.${name}.bias`);
    return layer.isFolded === true
      ? builder.node('Gemm', [value, weight, bias], { name: `/mlp/${name}/Gemm` })
      : builder.node(
          'Add',
          [builder.node('MatMul', [value, weight], { name: `/mlp/${name}/MatMul` }), bias],
          {
            name: `/mlp/${name}/Add`,
          },
        );
  };
  const read = fold(stream, streamWidth);
  const gate = dense(read, layer.ups === undefined ? 'fc1' : 'gate', layer.units);
  const hidden =
    layer.ups === undefined
      ? builder.node('Relu', [gate], { name: '/mlp/act/Relu' })
      : builder.node(
          'Mul',
          [
            builder.node('Mul', [gate, builder.node('Sigmoid', [gate], { name: '/mlp/act/Sigmoid' })], {
              name: '/mlp/act/Mul',
            }),
            dense(read, 'up', layer.ups),
          ],
          { name: '/mlp/Mul' },
        );
  const down = layer.writes.flatMap((row) => [
    ...row,
    ...new Array<number>(streamWidth - tokenCount).fill(0),
  ]);
  const weight = builder.constant(float32Tensor(down, [layer.units.length, streamWidth]), 'mlp.fc2.weight');
  const written = builder.node('MatMul', [hidden, weight], { name: '/mlp/fc2/MatMul' });
  finish(builder, builder.node('Add', [read, written], { name: '/Add' }), layer);
  return builder.build();
}

function finish(builder: GraphBuilder, sum: string, { gain, isFolded }: PlantedLayer): void {
  const norm = builder.node(
    'LayerNormalization',
    [
      sum,
      builder.constant(float32Tensor([...gain], [streamWidth]), 'norm.weight'),
      builder.constant(float32Tensor(new Array<number>(streamWidth).fill(0.5), [streamWidth]), 'norm.bias'),
    ],
    { name: '/norm/LayerNormalization', attributes: { axis: -1 } },
  );
  const table = Float32Array.from({ length: streamWidth * tokenCount }, (_, at) =>
    Math.floor(at / tokenCount) === at % tokenCount ? 1 : 0,
  );
  const head = builder.constant(float32Tensor(table, [streamWidth, tokenCount]), 'head.weight');
  const scores = builder.node('MatMul', [norm, head], { name: '/head/MatMul' });
  const shape = builder.int64s([-1, placeCount, tokenCount]);
  const [type, inputs] =
    isFolded === true ? (['Reshape', [scores, shape]] as const) : (['Identity', [scores]] as const);
  builder.addOutput(builder.node(type, inputs, { outputs: ['logits'] }), floatType('N', 'T', tokenCount));
}

/** [N, T, streamWidth]. */
function streamOf(builder: GraphBuilder): string {
  const oneHot = (ids: string, depth: number): string =>
    builder.node('OneHot', [
      ids,
      builder.constant(int64Tensor([depth], [])),
      builder.constant(float32Tensor([0, 1], [2])),
    ]);
  // What stands before the start is a token that does not exist: no unit reads it.
  const earlier = (by: number): string => {
    const padded = builder.node('Pad', [
      'input_ids',
      builder.int64s([0, by, 0, 0]),
      builder.constant(int64Tensor([tokenCount], [])),
    ]);
    return builder.node('Slice', [padded, ...[[0], [-by], [1]].map((values) => builder.int64s(values))]);
  };
  const known = (ids: string): string => {
    const [start, end, axis] = [[0], [tokenCount], [2]].map((values) => builder.int64s(values));
    return builder.node('Slice', [oneHot(ids, tokenCount + 1), start ?? '', end ?? '', axis ?? '']);
  };
  const number = (value: number): string => builder.constant(int64Tensor([value], []));
  const length = builder.node('Gather', [builder.node('Shape', ['input_ids']), number(1)]);
  const places = builder.node('Range', [number(0), length, number(1)]);
  const zeros = builder.node('Mul', ['input_ids', number(0)]);
  const parts = [known('input_ids'), known(earlier(1)), known(earlier(2))];
  parts.push(oneHot(builder.node('Add', [zeros, places]), placeCount));
  return builder.node('Concat', parts, { attributes: { axis: 2 } });
}

function weightsOf(units: readonly PlantedUnit[]): Float32Array {
  return Float32Array.from({ length: streamWidth * units.length }, (_, at) => {
    const unit = units[at % units.length]!;
    const row = Math.floor(at / units.length);
    const part = Math.min(3, Math.floor(row / tokenCount));
    const read = [unit.token, unit.before, unit.beforeThat, unit.place][part];
    return read?.includes(row - part * tokenCount) === true ? (unit.weight ?? 1) : 0;
  });
}
