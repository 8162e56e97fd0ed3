import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../src/base/random.js';
import { writeNpz } from '../../src/data/npz.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { denseModel, normalTensor } from './modelBuilder.js';
import { randomTree, treeModel } from './plantedTrees.js';
import { bytes, int, modelBytes, nodeFields, tensorFields, valueFields } from './protoBytes.js';

/** A small model and data for it. */
export interface ModelAndData {
  readonly model: string;
  readonly data: string;
}

/**
 * Writes a classifier (`x` [N, 6] → `logits` [N, 3], one hidden layer of 8 ReLU units) and `sampleCount` random samples.
 */
export async function writeClassifier(folder: string, sampleCount = 64): Promise<ModelAndData> {
  const model = join(folder, 'tiny.onnx');
  const data = join(folder, 'tiny.npz');
  await writeModel(denseModel([6, 8, 3]), model);
  await writeNpz(data, { x: normalTensor(createRandom(3), [sampleCount, 6]) });
  return { model, data };
}

/** Writes a model and data that keep one run busy for many seconds at batch 1. */
export async function writeSlowRun(folder: string): Promise<ModelAndData> {
  const model = join(folder, 'slow.onnx');
  const data = join(folder, 'slow.npz');
  await writeModel(denseModel([64, 1024, 1024, 10]), model);
  const labels: TensorValue = { dtype: 'uint8', dims: [60_000], data: new Uint8Array(60_000) };
  await writeNpz(data, { x: normalTensor(createRandom(3), [60_000, 64]), labels });
  return { model, data };
}

/** Writes an ensemble of trees (`x` [N, 6] → three scores) and `sampleCount` random samples. */
export async function writeTrees(
  folder: string,
  { sampleCount, treeCount }: { readonly sampleCount: number; readonly treeCount: number },
): Promise<ModelAndData> {
  const model = join(folder, `trees-${treeCount}.onnx`);
  const data = join(folder, `trees-${treeCount}.npz`);
  const random = createRandom(5);
  const trees = Array.from({ length: treeCount }, () =>
    randomTree(random, { columns: 6, depth: 5, targets: 3 }),
  );
  await writeModel(treeModel(trees, { columns: 6, targets: 3, kind: 'regressor' }), model);
  await writeNpz(data, { x: normalTensor(random, [sampleCount, 6]) });
  return { model, data };
}

/** Writes an `.npz` with one array `x`. */
export async function writeX(folder: string, x: TensorValue): Promise<string> {
  const path = join(folder, 'x.npz');
  await writeNpz(path, { x });
  return path;
}

/** Float rows of `width` numbers, all NaN. */
export function nanRows(count: number, width: number): TensorValue {
  return float32Tensor(new Float32Array(count * width).fill(NaN), [count, width]);
}

/** Integer rows where floats belong. */
export function integerRows(count: number, width: number): TensorValue {
  return int64Tensor(
    Array.from({ length: count * width }, (_, i) => i),
    [count, width],
  );
}

const weight = Buffer.from(new Float32Array(12).fill(0.5).buffer);

function linear(...weightFields: Buffer[]): readonly Buffer[] {
  return [
    bytes(1, nodeFields('MatMul', ['x', 'W'], ['h'], bytes(3, 'dense'))),
    bytes(1, nodeFields('Relu', ['h'], ['y'], bytes(3, 'relu'))),
    bytes(5, tensorFields('W', 1, [6, 2], ...weightFields)),
    bytes(11, valueFields('x', 1, ['n', 6])),
    bytes(12, valueFields('y', 1, ['n', 2])),
  ];
}

/** A dense layer with ReLU whose output `h` the given node makes into `y`. */
function endingWith(node: Buffer): readonly Buffer[] {
  return [
    bytes(1, nodeFields('MatMul', ['x', 'W'], ['m'], bytes(3, 'dense'))),
    bytes(1, nodeFields('Relu', ['m'], ['h'], bytes(3, 'relu'))),
    bytes(1, node),
    bytes(5, tensorFields('W', 1, [6, 2], bytes(9, weight))),
    bytes(11, valueFields('x', 1, ['n', 6])),
    bytes(12, valueFields('y', 1, ['n', 2])),
  ];
}

function external(location: string): Buffer[] {
  return [bytes(13, bytes(1, 'location'), bytes(2, location)), int(14, 1)];
}

const input = bytes(11, valueFields('x', 1, ['n', 6]));
const output = bytes(12, valueFields('y', 1, ['n', 6]));

/** Model files that nobody should believe, by what is wrong with them. */
export const badModelFiles: Readonly<Record<string, () => Buffer>> = {
  'random bytes': () => {
    const random = createRandom(11);
    return Buffer.from(Uint8Array.from({ length: 5000 }, () => random.integer(256)));
  },
  empty: () => Buffer.alloc(0),
  text: () => Buffer.from('import torch\n'),
  truncated: () => {
    const whole = modelBytes(linear(bytes(9, weight)));
    return whole.subarray(0, whole.length - 40);
  },
  'a giant length': () =>
    // A graph (field 7) that claims 2^60 bytes.
    Buffer.concat([int(1, 8), Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])]),
  'deep nesting': () => {
    // If nodes inside If nodes (attribute 5 of a node, graph 6 of an attribute), 5,000 deep.
    let graph = bytes(2, 'leaf');
    for (let depth = 0; depth < 5000; depth++) {
      graph = bytes(1, bytes(4, 'If'), bytes(5, bytes(1, 'then_branch'), bytes(6, graph)));
    }
    return modelBytes([graph, input, output]);
  },
  'a cycle': () =>
    modelBytes([
      bytes(1, nodeFields('Add', ['x', 'b'], ['a'])),
      bytes(1, nodeFields('Relu', ['a'], ['b'])),
      bytes(1, nodeFields('Relu', ['b'], ['y'])),
      input,
      output,
    ]),
  'missing external data': () => modelBytes(linear(...external('weights.bin'))),
  'external data outside': () => modelBytes(linear(...external('../../../../etc/passwd'))),
  'absolute external data': () => modelBytes(linear(...external('/etc/passwd'))),
  'an unknown operator': () => modelBytes(endingWith(nodeFields('Frobnicate', ['h'], ['y']))),
  'an unknown domain': () =>
    modelBytes(endingWith(nodeFields('Frob', ['h'], ['y'], bytes(7, 'com.example')))),
};

/** Writes one of the bad models and returns its path. */
export function writeBadModel(folder: string, what: string): string {
  const make = badModelFiles[what];
  if (make === undefined) throw new Error(`No bad model "${what}".`);
  const path = join(folder, 'bad.onnx');
  writeFileSync(path, make());
  return path;
}
