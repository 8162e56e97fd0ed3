import type { Picture, ReportNumber } from './blocks.js';
import type { Evidence } from './report.js';

// What is known of one neuron: the neuron page, hovers and the tree show these. Measured numbers are `ReportNumber`s,
// because pages get them as JSON, which has no NaN.

/** Counts of numbers between edges; NaN and infinities are in no bin. A number on an inner edge is in the bin below it. */
export interface UnitHistogram {
  /** `counts.length + 1` edges, ascending; equal numbers have one bin of width 1 around them. Empty when none is finite. */
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

/** A neuron's output at each position of one sample, for an overlay. */
export interface UnitMap {
  readonly width: number;
  readonly height: number;
  /** Row-major; null where the position is masked. */
  readonly values: readonly (ReportNumber | null)[];
}

/** A sample and what the neuron made of it. */
export interface UnitExample extends SampleCard {
  /** The neuron's largest output on this sample; -Infinity where every position is masked. */
  readonly value: ReportNumber;
  /** Where on its map the largest output is: coordinates on the position axes; absent without positions. */
  readonly position?: readonly number[];
  /**
   * The neuron's map over the last two position axes (at the position's other coordinates), absent without positions.
   * A sequence has height 1. Sides above 64 are shrunk, each cell holding the largest output it covers.
   */
  readonly map?: UnitMap;
  /** Of a row of tokens: what stands about the largest output. */
  readonly stretch?: TokenStretch;
}

/** A part of a text, with a neuron's output at each token. */
export interface TokenStretch {
  /** Position of the first token in its row. */
  readonly start: number;
  /** As a person reads them in a row of tokens, with the space before them; null where the position is masked. */
  readonly tokens: readonly { readonly text: string; readonly value: ReportNumber | null }[];
  /** Tokens of the whole row. */
  readonly length: number;
}

/** One weight that leads into a neuron. */
export interface UnitWeight {
  /** Where it comes from: `fc1[3]`, `image[17]`, `input 5` where that has no name. */
  readonly from: string;
  /** Address of the neuron it comes from, where it does come from one. */
  readonly address?: string;
  readonly value: number;
}

/** The weights that lead into a neuron. */
export interface UnitWeights {
  /** Address of the neuron. */
  readonly address: string;
  /** Layer whose weights these are. */
  readonly layer: string;
  /**
   * `[inputs, …kernel]`: the slice of the weight that makes this neuron; quantised weights are dequantised. Of a recurrent neuron the
   * inputs are those of its layer and then its layer's neurons one step before, the kernel its gates (of both directions).
   */
  readonly dims: readonly number[];
  readonly count: number;
  readonly bias: number | null;
  /** Of a recurrent neuron: by direction, then from the input and from the step before, one for each gate. */
  readonly biases?: readonly number[];
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

/** What one layer weighs a neuron's value with. */
export interface UnitTargets {
  readonly layer: string;
  /** Layers in between, in their order; the weights are not multiplied by what those do. */
  readonly through: readonly string[];
  readonly unitCount: number;
  /** Weights that each target has for the neuron: more than 1 for kernels and flattened positions. */
  readonly weightsEach: number;
  /** Euclidean length of all of them. */
  readonly norm: number;
  /** Largest by size first; at most 20. Where a target has several weights: their length, signed by their sum. */
  readonly strongest: readonly UnitWeight[];
}

/** A unit of the same layer and how alike its incoming weights are. */
export interface SimilarUnit {
  readonly address: string;
  /** −1…1. */
  readonly cosine: number;
}

/** Where a neuron leads, and which are like it, by the weights alone. */
export interface UnitLinks {
  readonly address: string;
  readonly targets: readonly UnitTargets[];
  /** Readers that were not looked into, beyond those. */
  readonly moreReaderCount: number;
  /** Outputs of the model that it is a part of. */
  readonly outputs: readonly string[];
  /** Layers and operators that take it in another way than by weights of its own. */
  readonly ends: readonly string[];
  /** The most alike first; at most 20. */
  readonly similar: readonly SimilarUnit[];
  /** Why there are none; null where there are. */
  readonly whyNoSimilar: string | null;
}

/** A token and what a neuron adds to its score. */
export interface TokenEffect {
  readonly id: number;
  /** As a person reads it in a row of tokens, with the space before it; `#id` without a tokenizer. */
  readonly text: string;
  readonly effect: ReportNumber;
}

/**
 * The tokens of a language model that a neuron makes likelier and unlikelier, by the weights alone: what 1 more of the neuron, or
 * of the activation it feeds, adds.
 */
export interface UnitTokens {
  readonly address: string;
  /** Layer whose weights bring the neuron to the vocabulary, and whether that is the unembedding itself. */
  readonly layer: string;
  readonly isHead: boolean;
  /** Final normalisation whose gain was left out, because it is not stored as it is; null where none was. */
  readonly normWithoutGain: string | null;
  /** Largest first. */
  readonly raised: readonly TokenEffect[];
  /** Smallest first. */
  readonly lowered: readonly TokenEffect[];
}

/** How the numbers of one neuron are spread over all samples and positions; masked positions count nowhere. */
export interface UnitSpread {
  /** NaN as soon as one number is. */
  readonly maximum: ReportNumber;
  readonly minimum: ReportNumber;
  readonly mean: ReportNumber;
  /** Population standard deviation. */
  readonly standardDeviation: ReportNumber;
  readonly histogram: UnitHistogram;
}

/** Everything measured of one neuron on a data set. */
export interface UnitProfile extends UnitSpread {
  readonly address: string;
  /**
   * Address of what was measured: the same unit of the activation that the neuron's layer is judged by (`relu2[3]` for
   * `conv2[3]`), as health reports count it; else the neuron's own output.
   */
  readonly measuredAt: string;
  readonly sampleCount: number;
  /** Samples the whole data set holds. */
  readonly sampleTotal: number;
  /** Outputs counted: samples × positions without masked ones. */
  readonly elementCount: number;
  /** Name of its state (`dead`, `active`, …) or `not-judged`, and what that means in a sentence. */
  readonly state: string;
  readonly stateMeaning: string;
  readonly evidence: Evidence;
  /** Samples on which it is active at any position, by its activation's rule; not judged: above 0. */
  readonly activeSampleCount: number;
  /** Share of outputs above 0 over all samples and positions. */
  readonly activeFraction: ReportNumber;
  /**
   * What enters the activation, when an activation was measured: how far a dead neuron is from firing. Its histogram
   * says why a neuron that is always at 0 is there.
   */
  readonly before?: UnitSpread;
  /** Largest first; for a ReLU-like neuron only samples on which it fires, as health reports list them. */
  readonly topExamples: readonly UnitExample[];
  /**
   * Where `topExamples` is empty and there is a `before`: samples on which the largest numbers enter the activation, which
   * come nearest to firing it. Values, positions and maps are of what enters.
   */
  readonly nearestExamples?: readonly UnitExample[];
  /** Drawn with the seed, in data order. */
  readonly randomExamples: readonly UnitExample[];
  readonly warnings: readonly string[];
  readonly seed: number;
  readonly provider: string;
  readonly batchSize: number;
  readonly durationMs: number;
}
