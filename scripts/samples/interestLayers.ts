import type { Random } from '../../src/base/random.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';
import { constant, int64s, lay, type Network, startWith } from './network.js';
import { layDense, layEmbedding } from './transformer.js';

/** Sizes of a network that weighs past behaviours for a candidate. */
export interface InterestShape {
  readonly itemCount: number;
  readonly historyLength: number;
  /** Of the items' embeddings. */
  readonly width: number;
  readonly hiddenWidth: number;
}

/** Lays `history` [N, T] and `candidate` [N, 1] of items to two logits: the weighted behaviours times the candidate, then dense layers. */
export function layInterest(random: Random, shape: InterestShape): Network {
  const { itemCount, historyLength, width, hiddenWidth } = shape;
  const ids = { kind: 'tensor', elementType: 'int64' } as const;
  const network = startWith(
    'interest-network',
    { input: 'history', type: { ...ids, shape: ['N', historyLength] } },
    random,
  );
  const candidateIds = network.builder.addInput('candidate', { ...ids, shape: ['N', 1] });
  layEmbedding(network, 'item', { count: itemCount, width });
  const behaviours = network.value;
  const candidate = network.builder.node('Gather', ['item.weight', candidateIds], {
    attributes: { axis: 0 },
    name: '/item/Gather_1',
  });
  layUnit(network, { behaviours, candidate, historyLength, width, hiddenWidth });
  lay(network, { opType: 'Mul', name: '' }, [candidate], {});
  lay(network, { opType: 'Flatten', name: 'flatten' }, [], { axis: 1 });
  layDense(network, 'fc1', { in: width, out: hiddenWidth });
  layDice(network, 'dice', hiddenWidth);
  layDense(network, 'fc2', { in: hiddenWidth, out: 2 });
  return network;
}

/** Lays the local activation unit: a weight for every behaviour from it, the candidate, their difference and product; then Σ weight · behaviour, [N, 1, width]. */
function layUnit(
  network: Network,
  of: {
    readonly behaviours: string;
    readonly candidate: string;
    readonly historyLength: number;
    readonly width: number;
    readonly hiddenWidth: number;
  },
): void {
  const { behaviours, candidate, width, hiddenWidth } = of;
  network.value = candidate;
  lay(network, { opType: 'Tile', name: 'unit' }, [int64s(network, [1, of.historyLength, 1])], {});
  const repeated = network.value;
  lay(network, { opType: 'Sub', name: 'unit' }, [behaviours], {});
  const difference = network.value;
  network.value = repeated;
  lay(network, { opType: 'Mul', name: 'unit' }, [behaviours], {});
  const product = network.value;
  network.value = repeated;
  lay(network, { opType: 'Concat', name: 'unit' }, [behaviours, difference, product], { axis: -1 });
  layDense(network, 'unit.fc1', { in: 4 * width, out: hiddenWidth });
  layDice(network, 'unit.dice', hiddenWidth);
  layDense(network, 'unit.fc2', { in: hiddenWidth, out: 1 });
  lay(network, { opType: 'Transpose', name: 'unit' }, [], { perm: [0, 2, 1] });
  lay(network, { opType: 'MatMul', name: 'unit' }, [behaviours], {});
}

/** Lays Dice: p(s) · s + (1 − p(s)) · α · s with p = σ((s − mean) · rate). */
function layDice(network: Network, name: string, width: number): void {
  const input = network.value;
  const filled = (suffix: string, value: number): string =>
    constant(network, `${name}.${suffix}`, new Float32Array(width).fill(value), [width]);
  lay(network, { opType: 'Sub', name }, [filled('mean', 0)], {});
  lay(network, { opType: 'Mul', name }, [filled('rate', 1)], {});
  lay(network, { opType: 'Sigmoid', name }, [], {});
  const gate = network.value;
  network.value = network.builder.constant(float32Tensor([1], []));
  lay(network, { opType: 'Sub', name }, [gate], {});
  lay(network, { opType: 'Mul', name }, [filled('alpha', 0.1)], {});
  lay(network, { opType: 'Mul', name }, [input], {});
  const off = network.value;
  network.value = gate;
  lay(network, { opType: 'Mul', name }, [input], {});
  lay(network, { opType: 'Add', name }, [off], {});
}
