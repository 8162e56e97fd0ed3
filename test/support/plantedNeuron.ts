import { encodePng } from '../../src/base/png.js';
import { createRandom } from '../../src/base/random.js';
import type { Picture } from '../../src/protocol/blocks.js';
import type { UnitExample, UnitMap, UnitProfile, UnitWeights } from '../../src/protocol/units.js';
import type {
  KnownFacts,
  NeuronPlace,
  NeuronShow,
  ShownProfile,
} from '../../src/protocol/views/neuronMessages.js';
import { unitProfile } from './unitProfile.js';

// A neuron as its page gets it, without a model: what is planted here is what a test finds on the page.

/** A conv channel between two others, unless a test says otherwise. */
export function neuronPlace(given: Partial<NeuronPlace> = {}): NeuronPlace {
  return {
    address: 'conv2[42]',
    modelName: 'digits-cnn.onnx',
    layer: 'conv2',
    source: 'layer',
    layerKind: 'conv',
    operator: 'Conv',
    unit: 42,
    unitCount: 64,
    map: [14, 14],
    previous: 'conv2[41]',
    next: 'conv2[43]',
    states: { kind: 'activation', address: 'relu2[42]' },
    leftOutPosition: null,
    ...given,
  };
}

/** The message that opens a page at a neuron. */
export function placeShown(given: Partial<NeuronPlace> = {}): NeuronShow {
  const place = neuronPlace(given);
  return {
    kind: 'place',
    place,
    model: 'file:///models/digits-cnn.onnx',
    trail: { addresses: ['conv1[0]', place.address], index: 1 },
  };
}

/**
 * A measured conv channel: examples with pictures and maps, active on 1,240 of 10,000 images. Fewer examples than the host
 * asks for, as every one takes a page time to draw.
 */
export function convProfile(given: Partial<UnitProfile> = {}, exampleCount = 6): UnitProfile {
  const evidence = { kind: 'measured', n: 10_000 } as const;
  const counts = Array.from({ length: 32 }, (_, bin) =>
    bin === 0 ? 1_700_000 : Math.round(40_000 / (bin + 1) ** 1.4),
  );
  return unitProfile({
    address: 'conv2[42]',
    measuredAt: 'relu2[42]',
    sampleCount: 10_000,
    sampleTotal: 10_000,
    elementCount: 1_960_000,
    evidence,
    maximum: 7.912,
    mean: 0.1834,
    standardDeviation: 0.6312,
    activeSampleCount: 1240,
    activeFraction: 0.0421,
    histogram: { edges: counts.map((_, bin) => (bin * 7.912) / 32).concat(7.912), counts, evidence },
    before: {
      maximum: 7.912,
      minimum: -6.1,
      mean: -1.2,
      standardDeviation: 1.1,
      histogram: {
        edges: Array.from({ length: 33 }, (_, edge) => -6.1 + (edge * 14.012) / 32),
        counts: Array.from({ length: 32 }, (_, bin) =>
          Math.round(250_000 * Math.exp(-(((bin - 11) / 4) ** 2))),
        ),
        evidence,
      },
    },
    topExamples: Array.from({ length: exampleCount }, (_, rank) => pictureExample(rank, 7.912 - rank * 0.11)),
    randomExamples: Array.from({ length: exampleCount }, (_, rank) =>
      pictureExample(100 + rank * 31, (rank % 5) * 0.4),
    ),
    durationMs: 1840,
    ...given,
  });
}

/** A profile as it is shown, measured at 10:42 today unless a test says otherwise. */
export function shownProfile(profile: UnitProfile, given: Partial<ShownProfile> = {}): ShownProfile {
  return {
    profile,
    isPartial: false,
    createdAt: todayAt(10, 42),
    dataName: 'test.inspect.json',
    stale: null,
    ...given,
  };
}

/** Today at a time of this machine's zone, as ISO 8601. */
export function todayAt(hours: number, minutes: number): string {
  const date = new Date();
  date.setHours(hours, minutes, 0, 0);
  return date.toISOString();
}

/** An example with a picture of a bright spot and the neuron's map around it. */
export function pictureExample(index: number, value: number): UnitExample {
  const x = (index * 5) % 14;
  const y = (index * 3) % 14;
  return {
    index,
    id: `test/${String(index).padStart(5, '0')}.png`,
    label: index % 10,
    picture: spotPicture(28, x * 2, y * 2),
    value,
    position: [y, x],
    map: spotMap(14, x, y, value),
  };
}

/** An example of a table's row, as words. */
export function textExample(index: number, value: number): UnitExample {
  return {
    index,
    id: `row ${index}`,
    labelName: index % 2 === 0 ? 'benign' : 'malignant',
    text: `mean radius 14.${index}, mean texture 19.2, mean perimeter 91.97, mean area 654.9, mean smoothness 0.096, mean compactness 0.104, …`,
    value,
  };
}

/** Weights of a 3×3 convolution over 16 channels. */
export function convWeights(given: Partial<UnitWeights> = {}): UnitWeights {
  const random = createRandom(7);
  const kernels = Array.from({ length: 16 }, (_, channel) => ({
    from: `relu1[${channel}]`,
    width: 3,
    height: 3,
    values: Array.from({ length: 9 }, () => random.next() - 0.45),
  }));
  const largest = kernels
    .map(({ from, values }) => {
      const norm = Math.hypot(...values);
      return { from, address: from, value: values.reduce((sum, value) => sum + value, 0) < 0 ? -norm : norm };
    })
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return {
    address: 'conv2[42]',
    layer: 'conv2',
    dims: [16, 3, 3],
    count: 144,
    bias: -0.1234,
    norm: 3.456,
    normRank: 5,
    unitCount: 64,
    positiveShare: 0.5486,
    histogram: {
      edges: Array.from({ length: 17 }, (_, edge) => -0.45 + edge / 16),
      counts: [3, 6, 8, 9, 12, 11, 9, 10, 13, 9, 8, 12, 9, 11, 8, 6],
      evidence: { kind: 'measured' },
    },
    largest,
    kernels,
    ...given,
  };
}

/** Facts of a report. */
export function knownFacts(given: Partial<KnownFacts> = {}): KnownFacts {
  return {
    address: 'relu2[42]',
    state: 'active',
    stateMeaning: 'Nothing unusual.',
    sampleCount: 10_000,
    activeSampleCount: 1240,
    activeFraction: 0.0421,
    maximum: 7.912,
    mean: 0.1834,
    histogram: [60, 12, 9, 7, 4, 3, 2, 1],
    examples: [],
    resultId: 'result-1',
    createdAt: todayAt(9, 5),
    dataName: 'test.inspect.json',
    areImages: true,
    isStale: false,
    ...given,
  };
}

function spotPicture(size: number, x: number, y: number): Picture {
  const pixels = Uint8Array.from({ length: size * size }, (_, index) => {
    const distance = Math.hypot((index % size) - x, Math.floor(index / size) - y);
    return Math.round(255 * Math.exp(-((distance / 5) ** 2)));
  });
  const source = `data:image/png;base64,${encodePng(size, size, pixels, 1).toString('base64')}`;
  return { source, width: size, height: size, alt: 'A bright spot' };
}

function spotMap(size: number, x: number, y: number, value: number): UnitMap {
  const values = Array.from({ length: size * size }, (_, index) => {
    const distance = Math.hypot((index % size) - x, Math.floor(index / size) - y);
    return Math.max(0, value * (1 - distance / 3));
  });
  return { width: size, height: size, values };
}
