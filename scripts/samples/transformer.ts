import { int64Tensor } from '../../src/onnx/tensorValue.js';
import { constant, int64s, lay, type Network, normalParameter } from './network.js';

/** Sizes of a decoder that reads whole numbers [N, T]. */
export interface DecoderShape {
  readonly tokenCount: number;
  readonly contextLength: number;
  readonly width: number;
  readonly headCount: number;
  readonly hiddenWidth: number;
  readonly blockCount: number;
  /** Whether blocks normalise what they read, as in GPT-2; without it they read the stream as it is. */
  readonly isNormalized: boolean;
  readonly activation: 'gelu' | 'relu';
  /** Whether the head reads the last position alone and gives [N, classes]. */
  readonly classCount?: number;
}

/** Deviation of fresh weights; GPT-2's. */
const deviation = 0.02;

/** Lays token and position embeddings, the blocks, the last normalisation and the head: [N, T] → [N, T, tokens]. */
export function layDecoder(network: Network, shape: DecoderShape): void {
  const { tokenCount, width, contextLength } = shape;
  const tokens = network.value;
  layEmbedding(network, 'embed', { count: tokenCount, width });
  const embedded = network.value;
  const positions = positionsOf(network, tokens);
  const isSeen = causalMask(network, positions);
  network.value = positions;
  layEmbedding(network, 'position', { count: contextLength, width });
  lay(network, { opType: 'Add', name: '' }, [embedded], {});
  for (let block = 0; block < shape.blockCount; block++) {
    layBlock(network, `blocks.${block}`, { ...shape, isSeen });
  }
  if (shape.isNormalized) layLayerNorm(network, 'norm', width);
  if (shape.classCount !== undefined) {
    const last = network.builder.constant(int64Tensor([-1], []));
    lay(network, { opType: 'Gather', name: '' }, [last], { axis: 1 });
  }
  layDense(network, 'head', { in: width, out: shape.classCount ?? tokenCount, bias: false });
}

/** 0 … T − 1, as `torch.arange(tokens.shape[1])` is exported. */
function positionsOf({ builder }: Network, tokens: string): string {
  const number = (value: number): string => builder.constant(int64Tensor([value], []));
  const length = builder.node('Gather', [builder.node('Shape', [tokens]), number(1)]);
  return builder.node('Range', [number(0), length, number(1)]);
}

/** Lays `nn.Embedding(count, width)`. */
export function layEmbedding(
  network: Network,
  name: string,
  { count, width }: { readonly count: number; readonly width: number },
): void {
  const indices = network.value;
  network.value = normalParameter(network, `${name}.weight`, [count, width], deviation);
  lay(network, { opType: 'Gather', name }, [indices], { axis: 0 });
}

/** A block's sizes, and the mask it shares with the others: true where a query (axis −2) sees a key (axis −1). */
export type BlockShape = Pick<
  DecoderShape,
  'width' | 'headCount' | 'hiddenWidth' | 'isNormalized' | 'activation'
> & { readonly isSeen: string };

/** Lays x + attention(norm1(x)), then + mlp(norm2(that)). */
export function layBlock(network: Network, name: string, shape: BlockShape): void {
  const sublayer = (norm: string, layInner: () => void): void => {
    const stream = network.value;
    if (shape.isNormalized) layLayerNorm(network, `${name}.${norm}`, shape.width);
    layInner();
    lay(network, { opType: 'Add', name }, [stream], {});
  };
  sublayer('norm1', () => {
    layAttention(network, `${name}.attention`, shape);
  });
  sublayer('norm2', () => {
    layMlp(network, `${name}.mlp`, shape);
  });
}

function layMlp(network: Network, name: string, shape: BlockShape): void {
  layDense(network, `${name}.fc1`, { in: shape.width, out: shape.hiddenWidth });
  if (shape.activation === 'relu') lay(network, { opType: 'Relu', name: `${name}.act` }, [], {});
  else layGelu(network, `${name}.act`);
  layDense(network, `${name}.fc2`, { in: shape.hiddenWidth, out: shape.width });
}

/** x · (1 + erf(x/√2)) · ½, as exporters write it. */
function layGelu(network: Network, name: string): void {
  const x = network.value;
  const number = (value: number): string =>
    network.builder.constant({ dtype: 'float32', dims: [], data: Float32Array.of(value) });
  lay(network, { opType: 'Div', name }, [number(Math.SQRT2)], {});
  lay(network, { opType: 'Erf', name }, [], {});
  lay(network, { opType: 'Add', name }, [number(1)], {});
  const gate = network.value;
  network.value = x;
  lay(network, { opType: 'Mul', name }, [gate], {});
  lay(network, { opType: 'Mul', name }, [number(0.5)], {});
}

/** softmax(q·kᵀ/√d, −10⁹ where a key comes later)·v for each head, and a dense layer. */
function layAttention(network: Network, name: string, shape: BlockShape): void {
  const { width, headCount } = shape;
  const headWidth = width / headCount;
  const entering = network.value;
  const heads = (part: string, perm: readonly number[]): string => {
    network.value = entering;
    layDense(network, `${name}.${part}`, { in: width, out: width, bias: false });
    lay(network, { opType: 'Reshape', name }, [int64s(network, [0, 0, headCount, headWidth])], {});
    lay(network, { opType: 'Transpose', name }, [], { perm });
    return network.value;
  };
  const queries = heads('query', [0, 2, 1, 3]);
  const keys = heads('key', [0, 2, 3, 1]);
  const values = heads('value', [0, 2, 1, 3]);
  network.value = queries;
  lay(network, { opType: 'MatMul', name }, [keys], {});
  const scale = constantNumber(network, 1 / Math.sqrt(headWidth));
  lay(network, { opType: 'Mul', name }, [scale], {});
  const scores = network.value;
  network.value = shape.isSeen;
  lay(network, { opType: 'Where', name }, [scores, constantNumber(network, -1e9)], {});
  lay(network, { opType: 'Softmax', name }, [], { axis: -1 });
  lay(network, { opType: 'MatMul', name }, [values], {});
  lay(network, { opType: 'Transpose', name }, [], { perm: [0, 2, 1, 3] });
  lay(network, { opType: 'Reshape', name }, [int64s(network, [0, 0, width])], {});
  layDense(network, `${name}.output`, { in: width, out: width, bias: false });
}

/** [T, T]: whether a key does not come after its query. */
function causalMask({ builder }: Network, positions: string): string {
  const queries = builder.node('Unsqueeze', [positions, builder.int64s([1])]);
  const keys = builder.node('Unsqueeze', [positions, builder.int64s([0])]);
  return builder.node('LessOrEqual', [keys, queries]);
}

/** Lays `nn.LayerNorm(width)`. */
export function layLayerNorm(network: Network, name: string, width: number): void {
  const weight = constant(network, `${name}.weight`, new Float32Array(width).fill(1), [width]);
  const bias = constant(network, `${name}.bias`, new Float32Array(width), [width]);
  lay(network, { opType: 'LayerNormalization', name }, [weight, bias], {
    axis: -1,
    epsilon: { kind: 'float', value: 1e-5 },
  });
}

/** Lays `nn.Linear(in, out)` on the last axis of any shape: the weight stands transposed, as exporters leave it. */
export function layDense(
  network: Network,
  name: string,
  shape: { readonly in: number; readonly out: number; readonly bias?: boolean },
): void {
  const weight = normalParameter(
    network,
    `${name}.weight`,
    [shape.in, shape.out],
    1 / Math.sqrt(3 * shape.in),
  );
  lay(network, { opType: 'MatMul', name }, [weight], {});
  if (shape.bias === false) return;
  const bias = constant(network, `${name}.bias`, new Float32Array(shape.out), [shape.out]);
  lay(network, { opType: 'Add', name }, [bias], {});
}

function constantNumber(network: Network, value: number): string {
  return network.builder.constant({ dtype: 'float32', dims: [], data: Float32Array.of(value) });
}
