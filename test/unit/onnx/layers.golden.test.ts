import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { inspectModel } from '../../../src/onnx/inspect.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import { type Attribute, bodiesOf, type Graph, type GraphNode, type Model } from '../../../src/onnx/model.js';
import { convertToOpset17, oldestOpset } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { type Inspection, inspectionSchema } from '../../../src/protocol/inspection.js';
import { denseModel } from '../../support/modelBuilder.js';
import { goldenDir, itWithShared, rootDir } from '../../support/paths.js';

// The goldens were read by eye against the graphs. UPDATE_GOLDENS=1 writes them anew, never in CI.

/** Facts about the models from elsewhere: their makers' counts, or the architecture multiplied out. */
const knownParameterCounts: Readonly<Record<string, number>> = {
  'sample-models/digits-cnn/digits-cnn.onnx': 105_866,
  'sample-models/digits-int8/digits-int8.onnx': 105_866,
  'sample-models/digits-fp16/digits-fp16.onnx': 105_866,
  // 784·128+128, twice 128·8+8, 8·128+128, 128·784+784.
  'sample-models/digits-vae/digits-vae.onnx': 100_480 + 2 * 1_032 + 1_152 + 101_136,
  // Stem 144+32, blocks 2·16·16·9+64+148, 16·32·9+32·32·9+128+552+16·32+64, 32·64·9+64·64·9+256+2,128+32·64+128, fc 650.
  'sample-models/fashion-cnn/fashion-cnn.onnx': 176 + 4_820 + 15_080 + 59_856 + 650,
  // Four cross layers of 8·4 and 2·4 and 8, two heads of 8·2+2.
  'sample-models/cross-network/cross-network.onnx': 4 * (32 + 8 + 8) + 2 * 18,
  // Items 24·8, unit 32·12+12 and 12+1, head 8·12+12 and 12·2+2, rates and slopes of two Dice.
  'sample-models/interest-network/interest-network.onnx': 192 + 396 + 13 + 108 + 26 + 48,
  // Kernels 8·9 and 12·8·9, head 108·4.
  'sample-models/tone-spectrogram/tone-spectrogram.onnx': 72 + 864 + 432,
  // Rows 2·32+32, classes 2·32, three blocks of 4·32²+2·32·64+64+32+2·64, last norm 64, head 32·2+2.
  'sample-models/in-context/in-context.onnx': 96 + 64 + 3 * (4_096 + 4_096 + 96 + 128) + 64 + 66,
  // Four kernels of 26 weeks, a mix of 4+1.
  'sample-models/marketing-mix/marketing-mix.onnx': 4 * 26 + 5,
  // Products 2·3 and 2·3, straight part 3+1.
  'sample-models/crop-yield/crop-yield.onnx': 6 + 6 + 4,
  // Tiers 2·4+4, sum 4·2+2, bill 2+1.
  'sample-models/power-tariff/power-tariff.onnx': 12 + 10 + 3,
  // Tokens 98·64, positions 3·64, attention 4·64², MLP 64·256+256 and 256·64+64, head 64·97.
  'sample-models/modular-addition/modular-addition.onnx': 6_272 + 192 + 16_384 + 16_640 + 16_448 + 6_208,
  // Tokens and head 1,024·80 each, positions 64·80, four blocks of 4·80²+320+2·80·320+400, last norm 160.
  'sample-models/story-lm/story-lm.onnx': 2 * 81_920 + 5_120 + 4 * 77_520 + 160,
  // conv1 156, conv2 2,416, fc1 48,120, fc2 10,164, fc3 850.
  'oracle/lenet.onnx': 61_706,
  // 6·16+16, 16·12+12, 12·8+8, 8·3+3.
  'oracle/mlp.onnx': 447,
  // What Keras says of MobileNetV1 0.25: 475,544 in all, 5,472 of them not trainable.
  'models/mobilenet-v1-025/model.onnx': 470_072,
  // 78,666 in all, 480 statistics.
  'models/resnet8-cifar10/model.onnx': 78_186,
  // 512·64 + 5 · (64 + 64·64 + 2·64·32 + 64·64 + 64 + 3·64·172) + 64, and the head that this file stores again.
  'models/stories260k/model.onnx': 260_032 + 512 * 64,
  // Tokens 50·32 and positions 12·32, two blocks of 8,544, final norm 64, head 132.
  'oracle/transformer_tok_op17.onnx': 50 * 32 + 12 * 32 + 2 * 8_544 + 64 + 132,
};

function modelsUnder(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.onnx'))
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
}

function checkGolden(name: string, inspection: Inspection): void {
  const path = join(goldenDir, 'inspect', `${name.replaceAll('/', '__')}.json`);
  const portable = { ...inspection, model: name };
  if (process.env['UPDATE_GOLDENS'] === '1' && process.env['CI'] === undefined) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify(portable, null, 1)}\n`);
  }
  assert.ok(existsSync(path), `There is no golden ${path}; UPDATE_GOLDENS=1 writes it, for you to read.`);
  assert.deepEqual(portable, JSON.parse(readFileSync(path, 'utf8')));
}

/** What holds for every model, goldens or not. */
function checkInvariants(name: string, model: Model, inspection: Inspection): void {
  assert.ok(Value.Check(inspectionSchema, inspection), name);
  const names = inspection.layers.map((layer) => layer.name);
  assert.equal(new Set(names).size, names.length, `${name}: names are unique`);
  const indices = inspection.layers.map((layer) => layer.index);
  assert.deepEqual(
    indices,
    [...indices].sort((a, b) => a - b),
    `${name}: in file order`,
  );
  for (const layer of inspection.layers) {
    if (layer.parent !== null) {
      assert.ok(names.includes(layer.parent), `${name}: ${layer.name} has its parent`);
    }
  }
  const known = knownParameterCounts[name];
  if (known !== undefined) assert.equal(inspection.parameterCount, known, name);
  const total = inspection.parameterCount + inspection.bufferCount + inspection.constantCount;
  assert.equal(total, constantElements(model), `${name}: every constant element is counted once`);
}

/** Elements of all constants of the file, added up without any notion of layers; tied ones have one initializer. */
function constantElements(model: Model): number {
  return elementsOf(model.graph);
}

function elementsOf(graph: Graph): number {
  let sum = 0;
  for (const tensor of graph.initializers.values()) sum += product(tensor.dims);
  for (const node of graph.nodes) {
    for (const [name, attribute] of node.attributes) sum += attributeElements(node, name, attribute);
    for (const body of bodiesOf(node)) sum += elementsOf(body.graph);
  }
  return sum;
}

function attributeElements({ opType, domain }: GraphNode, name: string, attribute: Attribute): number {
  const isCoefficient =
    domain === 'ai.onnx.ml' && /^(coefficients|intercepts|(target|class|leaf)_weights)$/.test(name);
  if (opType !== 'Constant' && !isCoefficient) return 0;
  if (attribute.kind === 'tensor') return product(attribute.value.dims);
  return attribute.kind === 'floats' || attribute.kind === 'ints' ? attribute.value.length : 1;
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}

function checkSameNamesWhenConverted(name: string, model: Model): void {
  if ((model.opsets.get('') ?? oldestOpset) < oldestOpset) return;
  const namesOf = (of: Model): string[] => layersOf(of).layers.map((layer) => `${layer.kind} ${layer.name}`);
  assert.deepEqual(namesOf(convertToOpset17(model)), namesOf(model), name);
}

async function checkModel(dir: string, name: string): Promise<void> {
  const model = await readModel(join(dir, name));
  const inspection = inspectModel(model);
  checkInvariants(name, model, inspection);
  checkGolden(name, inspection);
  checkSameNamesWhenConverted(name, model);
}

describe('inspections', () => {
  for (const folder of ['sample-models', 'test/fixtures']) {
    for (const name of modelsUnder(join(rootDir, folder))) {
      it(`of ${folder}/${name} are as read by eye`, () => checkModel(rootDir, `${folder}/${name}`));
    }
  }

  it('of a planted dense model are as it was planted', () => {
    const model = denseModel([6, 16, 3]);
    const inspection = inspectModel(model);
    checkInvariants('planted', model, inspection);
    const dense = { index: 0, path: '/fc1/Gemm', parent: null, blocks: [] };
    assert.deepEqual(inspection.layers, [
      {
        ...dense,
        name: 'fc1',
        kind: 'dense',
        operator: 'Gemm',
        unitCount: 16,
        parameterCount: 112,
        output: 'fc1_out',
        shape: ['N', 16],
      },
      {
        ...dense,
        name: 'act1',
        path: '/act1/Relu',
        index: 1,
        kind: 'activation',
        operator: 'Relu',
        unitCount: 16,
        parameterCount: 0,
        output: 'act1_out',
        shape: ['N', 16],
      },
      {
        ...dense,
        name: 'fc2',
        path: '/fc2/Gemm',
        index: 2,
        kind: 'dense',
        operator: 'Gemm',
        unitCount: 3,
        parameterCount: 51,
        output: 'logits',
        shape: ['N', 3],
      },
    ]);
    assert.equal(inspection.parameterCount, 112 + 51);
    assert.deepEqual(inspection.operators, { Gemm: 2, Relu: 1 });
    assert.deepEqual(inspection.opsets, { 'ai.onnx': 17 });
    assert.deepEqual(inspection.inputs, [{ name: 'x', type: 'float32', shape: ['N', 6] }]);
    assert.deepEqual(inspection.outputs, [{ name: 'logits', type: 'float32', shape: ['N', 3] }]);
    assert.deepEqual(inspection.warnings, []);
  });

  itWithShared('are the same for a network exported with and without LayerNormalization', async (shared) => {
    for (const network of ['transformer_emb', 'transformer_tok']) {
      const layersAt = async (opset: number): Promise<unknown> => {
        const path = join(shared, 'oracle', `${network}_op${String(opset)}.onnx`);
        return inspectModel(await readModel(path)).layers.map((layer) => {
          const { name, kind, operator, parent, unitCount, parameterCount, shape, blocks } = layer;
          return { name, kind, operator, parent, unitCount, parameterCount, shape, blocks };
        });
      };
      assert.deepEqual(await layersAt(13), await layersAt(17), network);
    }
  });

  itWithShared('of real models are as read by eye', async (shared) => {
    for (const folder of ['models', 'oracle']) {
      for (const name of modelsUnder(join(shared, folder))) await checkModel(shared, `${folder}/${name}`);
    }
  });
});
