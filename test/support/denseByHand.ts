import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadTensor } from '../../src/onnx/loadTensor.js';
import { readModel } from '../../src/onnx/readModel.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';

/** Layers of the dense sample, first to last of those that a ReLU follows. */
const layerNames = ['fc1', 'fc2', 'fc3'] as const;

/** How many units of a layer never fire. */
export type DeadCounts = Readonly<Record<(typeof layerNames)[number], number>>;

/**
 * Counts the units of the dying-relu sample that no committed image makes fire: a plain forward pass in float64, without
 * the runtime. Takes a second or two.
 */
export async function deadUnitsByHand(sampleFolder: string): Promise<DeadCounts> {
  const layers = await Promise.all(layerNames.map((name) => readLayer(sampleFolder, name)));
  const fired = layers.map(({ bias }) => new Uint8Array(bias.length));
  for (const image of imagesOf(sampleFolder)) {
    let values: Float64Array = Float64Array.from(image, (pixel) => pixel / 255);
    for (const [index, layer] of layers.entries()) {
      values = dense(layer, values);
      for (const [unit, value] of values.entries()) {
        if (value > 0) fired[index]![unit] = 1;
        else values[unit] = 0;
      }
    }
  }
  const deadOf = (index: number): number => fired[index]!.filter((flag) => flag === 0).length;
  return { fc1: deadOf(0), fc2: deadOf(1), fc3: deadOf(2) };
}

interface DenseLayer {
  /** [units, inputs]. */
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

async function readLayer(folder: string, name: string): Promise<DenseLayer> {
  const { graph } = await readModel(join(folder, 'dying-relu.onnx'));
  const valueOf = async (part: string): Promise<Float64Array> => {
    const tensor = [...graph.initializers.values()].find((each) => each.name === `${name}.${part}`);
    if (tensor === undefined) throw new Error(`${name}.${part} is not in the sample`);
    return toFloat64(await loadTensor(tensor));
  };
  return { weight: await valueOf('weight'), bias: await valueOf('bias') };
}

/** Images of an IDX file: a header of 16 bytes, then 28 × 28 bytes each. */
function imagesOf(folder: string): Uint8Array[] {
  const bytes = gunzipSync(readFileSync(join(folder, 'data', 'digits-images-idx3-ubyte.gz')));
  const count = bytes.readUInt32BE(4);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(16 + index * 784, 16 + (index + 1) * 784),
  );
}

/** y = W x + b. Loops, because a callback for each of 10⁹ products takes ten times as long. */
function dense({ weight, bias }: DenseLayer, input: Float64Array): Float64Array {
  const output = Float64Array.from(bias);
  for (let unit = 0; unit < output.length; unit++) {
    const row = unit * input.length;
    let sum = 0;
    for (let index = 0; index < input.length; index++) sum += weight[row + index]! * input[index]!;
    output[unit]! += sum;
  }
  return output;
}
