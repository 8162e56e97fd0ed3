import type { Picture } from './blocks.js';
import type { Evidence } from './report.js';

// What is known of one neuron: the neuron page, hovers and the tree show these.

/** Counts of a neuron's outputs between edges. */
export interface UnitHistogram {
  /** `counts.length + 1` edges, ascending. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly evidence: Evidence;
}

/** One sample of the data, as a person recognises it. */
export interface SampleCard {
  /** Position in the data set. */
  readonly index: number;
  /** Stable name: a file name, `row 17`. */
  readonly id: string;
  readonly label?: number;
  readonly labelName?: string;
  /** The input as a picture, when it is one. */
  readonly picture?: Picture;
  /** The input in words, when it is none: the first values by name. */
  readonly text?: string;
}

/** A sample and what the neuron made of it. */
export interface UnitExample extends SampleCard {
  /** The neuron's largest output on this sample. */
  readonly value: number;
  /** Where on its map the largest output is: coordinates on the position axes; absent without positions. */
  readonly position?: readonly number[];
  /** The neuron's map on this sample, row-major over the last two position axes, for an overlay; absent without. */
  readonly map?: { readonly width: number; readonly height: number; readonly values: readonly number[] };
}

/** One weight that leads into a neuron. */
export interface UnitWeight {
  /** Address or name of where it comes from: `fc1[3]`, `image`. */
  readonly from: string;
  readonly value: number;
}

/** The weights that lead into a neuron. */
export interface UnitWeights {
  /** Address of the neuron. */
  readonly address: string;
  /** Layer whose weights these are. */
  readonly layer: string;
  /** `[inputs, …kernel]`: the slice of the weight that makes this neuron. */
  readonly dims: readonly number[];
  readonly count: number;
  readonly bias: number | null;
  /** Euclidean length of the slice, and its rank among the layer's units (1: the longest). */
  readonly norm: number;
  readonly normRank: number;
  readonly unitCount: number;
  readonly positiveShare: number;
  readonly histogram: UnitHistogram;
  /** Largest by size first; at most 20. For convolutions, by input channel: the kernel's Euclidean length, signed by its sum. */
  readonly largest: readonly UnitWeight[];
  /** Kernels as pictures in values: one per input channel, at most 64, row-major; absent for dense layers. */
  readonly kernels?: readonly {
    readonly from: string;
    readonly width: number;
    readonly height: number;
    readonly values: readonly number[];
  }[];
}

/** Everything measured of one neuron on a data set. */
export interface UnitProfile {
  readonly address: string;
  readonly sampleCount: number;
  /** Samples the whole data set holds. */
  readonly sampleTotal: number;
  /** Name of its state (`dead`, `active`, …) or `not-judged`, and what that means in a sentence. */
  readonly state: string;
  readonly stateMeaning: string;
  readonly evidence: Evidence;
  readonly maximum: number;
  readonly minimum: number;
  readonly mean: number;
  readonly standardDeviation: number;
  readonly activeSampleCount: number;
  /** Outputs above 0 over all samples and positions. */
  readonly activeFraction: number;
  readonly histogram: UnitHistogram;
  /** Largest first. */
  readonly topExamples: readonly UnitExample[];
  /** Drawn with the seed, in data order. */
  readonly randomExamples: readonly UnitExample[];
  readonly warnings: readonly string[];
  readonly seed: number;
  readonly provider: string;
  readonly durationMs: number;
}
