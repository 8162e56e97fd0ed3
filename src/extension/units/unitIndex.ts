import type * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import type { SampleCard } from '../../protocol/units.js';

/** What the newest health result says of one neuron. */
export interface UnitFacts {
  /** `dead`, `active`, …, or `not-judged`. */
  readonly state: string;
  readonly sampleCount: number;
  readonly activeSampleCount: number;
  /** Outputs above 0. */
  readonly activeFraction: number;
  readonly maximum: number;
  readonly mean: number;
  /** Counts of its outputs between equal edges, when they were captured. */
  readonly histogram?: readonly number[];
  /** Samples with its largest outputs, largest first. */
  readonly topSamples: readonly number[];
}

/** What the newest health result says of one layer. */
export interface LayerFacts {
  readonly unitCount: number;
  /** Units by state name. */
  readonly stateCounts: Readonly<Record<string, number>>;
  readonly resultId: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly dataPath: string | undefined;
  /** Samples that were run, not all that the data hold. */
  readonly sampleCount: number;
  /** The samples are pictures. */
  readonly areImages: boolean;
  /** The model file changed since. */
  readonly isStale: boolean;
  unit(index: number): UnitFacts | undefined;
}

/** Measured facts of neurons, from the newest results; what trees, hovers and badges show. */
export interface UnitIndex extends Disposable {
  readonly onDidChange: vscode.Event<void>;
  /** Returns what is known of a layer's units, without waiting: undefined when nothing is, or not yet loaded. */
  layer(modelPath: string, layer: string): LayerFacts | undefined;
  /** Loads what the results say of a model, so that `layer` answers. */
  load(modelPath: string): Promise<void>;
  /** Returns cards of samples that are cached; asks the engine for missing ones in the background when it may run. */
  samples(resultId: string, indices: readonly number[]): readonly (SampleCard | undefined)[];
}
