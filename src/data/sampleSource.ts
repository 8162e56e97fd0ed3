import type { DataSpec, FromSpec, InputSpec } from '../protocol/inspectFile.js';
import type { DataType } from '../onnx/dataTypes.js';
import type { TensorData } from '../onnx/tensorValue.js';
import type { InputTarget } from './inputTargets.js';
import type { Tokenizer } from './text/tokenizer.js';

/** Stored values of one input for one sample, before preprocessing. */
export type RawValue =
  | {
      readonly kind: 'array';
      readonly dtype: DataType;
      readonly dims: readonly number[];
      readonly data: TensorData;
    }
  | {
      readonly kind: 'image';
      /** A path, or the encoded bytes. */
      readonly content: string | Uint8Array;
      /** How messages call it. */
      readonly name: string;
    };

/** One sample as stored. */
export interface RawSample {
  readonly index: number;
  readonly id: string;
  /** By the name of the model's input. */
  readonly values: ReadonlyMap<string, RawValue>;
  readonly label?: number;
}

/** What is known of an input's stored values before any is read. */
export interface FieldInfo {
  /** Sizes of one stored sample; for images [height, width, 3] of the first. */
  readonly dims: readonly number[];
  /** An encoded image: bytes 0–255, channels last. */
  readonly isImage: boolean;
  /** Bytes 0–255 that are surely pixels (images, IDX). */
  readonly isPixels: boolean;
  /** The same array is fed with every batch (a scalar setting, an initial state). */
  readonly isConstant: boolean;
  /** Made by the reader to go with another input (a mask, positions), and not stored. */
  readonly isDerived?: boolean;
  /** Where the reader makes samples for the input and does not only find them: sounds, texts. */
  readonly reading?: Reading;
}

/** What a reader decided of how its samples lie and how they are fed. */
export interface Reading {
  /** Axes of one stored sample. */
  readonly storedAxes: string;
  /** Axes of one sample as the model takes it. */
  readonly modelAxes: string;
  /** What an inspect file would say of it. */
  readonly spec: InputSpec;
  /** Phrases that follow "assumed". */
  readonly assumptions: readonly string[];
}

/** Samples to read: a range in order, or any order. */
export type Selection =
  | { readonly kind: 'range'; readonly start: number; readonly end: number }
  | { readonly kind: 'order'; readonly order: Uint32Array };

/** Stored samples, bound to the model's inputs; every reader makes one. */
export interface SampleSource {
  readonly kind: string;
  readonly sampleCount: number;
  readonly fields: ReadonlyMap<string, FieldInfo>;
  readonly hasLabels: boolean;
  readonly labelNames?: readonly string[];
  /** Names of the columns that feed an input, by input. */
  readonly columnNames?: Readonly<Record<string, readonly string[]>>;
  /** Frames a second, by input, where the samples are sounds. */
  readonly sampleRates?: Readonly<Record<string, number>>;
  /** What ids stand for, where the samples are texts. */
  readonly tokens?: TokenNames;
  /** The input that the reader makes 0 where it padded. */
  readonly maskInput?: string;
  /** Every label, when reading them costs little. */
  readonly allLabels?: Int32Array;
  /** False: samples come in file order only. */
  readonly isRandomAccess: boolean;
  readonly warnings: readonly string[];
  /** What was found out and would stand in an inspect file. */
  readonly resolved: ResolvedBinding;
  readonly samples: (selection: Selection, signal?: AbortSignal) => AsyncIterable<RawSample>;
}

/** The tokens that the ids of an input stand for. */
export interface TokenNames {
  /** The model's input that holds the ids. */
  readonly input: string;
  readonly tokenizer: Tokenizer;
  /** The tokenizer's file, absolute. */
  readonly path: string;
}

/** Where the inputs and labels turned out to be. */
export interface ResolvedBinding {
  readonly from: ReadonlyMap<string, FromSpec>;
  readonly labelsFrom?: string | number;
}

/** What a reader is asked to bind. */
export interface SourceRequest {
  /** Absolute path of the data. */
  readonly path: string;
  readonly targets: readonly InputTarget[];
  readonly classCount: number | undefined;
  /** From an inspect file; without one everything is found out, with warnings. */
  readonly spec: DataSpec | undefined;
  /** Folder that paths in `spec` are relative to. */
  readonly baseDir: string;
  readonly modelPath: string;
  /** The tokenizer that the inspect file names, absolute. */
  readonly tokenizerPath?: string;
}

/** Returns the indices of a selection, in order. */
export function* indicesOf(selection: Selection): Generator<number> {
  if (selection.kind === 'order') {
    yield* selection.order;
    return;
  }
  for (let index = selection.start; index < selection.end; index++) yield index;
}
