import { createRandom } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** Colours that channels of `colourModel` look for, in order of the channels; the last one looks for nothing. */
export const plantedColours = ['red', 'green', 'blue'] as const;

/** Side of the images of `colourScenes`. */
export const sceneSide = 16;

/**
 * Returns a model of RGB images [N, 3, 16, 16] whose layer `colours` (convolution of stride 2, then ReLU) has one channel a
 * colour: own channel − half of the others − 0.3, averaged over 2 × 2 pixels; a fourth one reads the brightness.
 */
export function colourModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 3, sceneSide, sceneSide));
  const weight = new Float32Array(4 * 3 * 4);
  for (let unit = 0; unit < 4; unit++) {
    for (let channel = 0; channel < 3; channel++) {
      const size = unit === 3 ? 1 / 3 : channel === unit ? 1 : -0.5;
      weight.fill(size / 4, (unit * 3 + channel) * 4, (unit * 3 + channel + 1) * 4);
    }
  }
  const kernel = builder.constant(float32Tensor(weight, [4, 3, 2, 2]), 'colours.weight');
  const bias = builder.constant(float32Tensor([-0.3, -0.3, -0.3, -0.3], [4]), 'colours.bias');
  const conv = builder.node('Conv', [x, kernel, bias], {
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    name: '/colours/Conv',
  });
  const relu = builder.node('Relu', [conv], { name: '/colours/act/Relu', outputs: ['maps'] });
  const pooled = builder.node('GlobalAveragePool', [relu]);
  builder.addOutput(builder.node('Flatten', [pooled], { outputs: ['scores'] }), floatType('N', 4));
  return builder.build();
}

/** Scenes and where things are on them. */
export interface Scenes {
  readonly x: TensorValue;
  /** Masks [N, 16, 16] of 0 and 1 by name: the colours, and squares where nothing is. */
  readonly masks: Readonly<Record<string, TensorValue>>;
  /** Per sample the colour of its square. */
  readonly labels: readonly number[];
}

/** Returns grey noise with one coloured rectangle a scene, its mask, and a mask of `nothing` at random. */
export function colourScenes(count: number, seed = 1): Scenes {
  const random = createRandom(seed);
  const plane = sceneSide * sceneSide;
  const pixels = new Float32Array(count * 3 * plane);
  const names = [...plantedColours, 'nothing'];
  const masks = names.map(() => new Uint8Array(count * plane));
  const labels: number[] = [];
  for (let scene = 0; scene < count; scene++) {
    for (let pixel = 0; pixel < plane; pixel++) {
      const grey = 0.5 * random.next();
      for (let channel = 0; channel < 3; channel++) {
        pixels[(scene * 3 + channel) * plane + pixel] = grey + 0.1 * random.next();
      }
    }
    const colour = random.integer(3);
    labels.push(colour);
    for (const pixel of rectangle(random)) {
      masks[colour]![scene * plane + pixel] = 1;
      for (let channel = 0; channel < 3; channel++) {
        pixels[(scene * 3 + channel) * plane + pixel] =
          (channel === colour ? 0.9 : 0.05) + 0.1 * random.next();
      }
    }
    for (const pixel of rectangle(random)) masks[3]![scene * plane + pixel] = 1;
  }
  const dims = [count, sceneSide, sceneSide];
  return {
    x: float32Tensor(pixels, [count, 3, sceneSide, sceneSide]),
    masks: Object.fromEntries(names.map((name, i) => [name, { dtype: 'uint8', dims, data: masks[i]! }])),
    labels,
  };
}

/** Pixels of a rectangle of 4 to 6 pixels a side somewhere. */
function rectangle(random: ReturnType<typeof createRandom>): number[] {
  const [height, width] = [4 + random.integer(3), 4 + random.integer(3)];
  const top = random.integer(sceneSide - height + 1);
  const left = random.integer(sceneSide - width + 1);
  return Array.from(
    { length: height * width },
    (_, i) => (top + Math.floor(i / width)) * sceneSide + left + (i % width),
  );
}
