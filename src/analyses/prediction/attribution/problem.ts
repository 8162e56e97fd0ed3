import type { Random } from '../../../base/random.js';
import type { BackwardPass } from '../../../engine/relevance/backwardPass.js';
import type { Model } from '../../../onnx/model.js';
import type { Block } from '../../../protocol/blocks.js';
import type { Evidence, Finding } from '../../../protocol/report.js';
import type { ResultArray, Workload } from '../../analysis.js';
import type { CutValue } from './cut.js';
import type { Baselines } from './baselines.js';
import type { Field } from './field.js';
import type { Gate } from './fieldPlan.js';
import type { PathField } from './paths.js';
import type { Rows } from './rows.js';
import type { Selection } from './selection.js';
import type { AttributionSettings } from './settings.js';

/** A tensor that a prediction is shared out over: an input, an embedding, or a layer's value. */
export interface ExplainedTensor extends CutValue {
  /** Name in the report: the input's or the layer's. */
  readonly name: string;
  /** Axis of channels or units in `[N, …]`; undefined when every element is a position of its own. */
  readonly channelAxis: number | undefined;
  /** Elements of all rows, row-major. */
  readonly elements: Float32Array;
}

/** Where f is evaluated. */
export interface FieldChoice {
  /** Values whose elements are the coordinates of a point. */
  readonly coordinates: readonly ExplainedTensor[];
  /** Values at which gradients are taken (default the coordinates). */
  readonly sites?: readonly ExplainedTensor[];
  /** A unit that gradients must pass through. */
  readonly gate?: Gate | undefined;
  /** How scores go backwards (default by derivatives). */
  readonly backward?: BackwardPass | undefined;
}

/** What a method is asked: rows, points of departure, and a way to evaluate the model. */
export interface Problem {
  readonly model: Model;
  readonly settings: AttributionSettings;
  /** Names of the columns that feed an input, by input, where the data are a table that names them. */
  readonly columnNames: Readonly<Record<string, readonly string[]>>;
  /** Which number is explained. */
  readonly selection: Selection;
  /** The run's seeded generator; methods that sample draw from it and from nothing else. */
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly rows: Rows;
  readonly inputs: readonly ExplainedTensor[];
  readonly layer: ExplainedTensor | undefined;
  readonly gate: Gate | undefined;
  readonly baselines: Baselines;
  /** Opens f over some coordinates; closed by the caller of the method. */
  open(choice: FieldChoice): Field;
  /** Opens sums of f's gradients along straight paths, cheaper than point by point; closed by the caller. */
  openPaths(choice: Omit<FieldChoice, 'backward'>): PathField;
  /** Announces how many points are to be run, for the progress bar. */
  expect(pointCount: number): void;
  /** Counts points that a method worked out without a field. */
  advance(pointCount: number): void;
}

/** A share per element of one tensor, for all rows. */
export interface Scores {
  readonly name: string;
  /** Shape, row axis included. */
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** What a method found. */
export interface Attributions {
  readonly scores: readonly Scores[];
  /** f where the method's path starts, when that is not the baseline of the inputs. */
  readonly pathStart?: Float64Array;
  /** Whether the scores of a row should add up to f(x) − f(baseline). */
  readonly isComplete: boolean;
  /** Σ of the shares per row, where an element's score is not a share of its own (a patch's share stands at each pixel). */
  readonly totals?: Float64Array;
  /** How the scores came about; default: as far as the rows reach. */
  readonly evidence?: Evidence;
  /** What the method measured of itself: declared metrics, with the evidence of the scores. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Raw results besides the scores. */
  readonly arrays?: Readonly<Record<string, ResultArray>>;
  readonly findings?: readonly Finding[];
  /** Operators on the way that the method has no rule for, of methods with rules. */
  readonly withoutRule?: readonly string[];
  /** Share of the squared slopes at a layer's maps that is their difference from the mean of their channel. */
  readonly positionSpread?: number;
  /** Shown after the scores. */
  readonly blocks?: readonly Block[];
  /** Whether the scores are the inputs' although a layer is set, whose maps went into them. */
  readonly isOverInputs?: boolean;
  /** Sentences that the report must say. */
  readonly notes?: readonly string[];
}

/** Why the scores of a row may miss f(x) − f(baseline). */
export interface Incompleteness {
  readonly severity: Finding['severity'];
  readonly reason: string;
  readonly advice: string;
}

/**
 * What a score says. `shares`: the part of the explained value that is due to the element, in that value's unit. `slopes`: how
 * much the value changes when the element grows by one. `places`: where evidence is, in no unit.
 */
export type ScoreMeaning = 'shares' | 'slopes' | 'places';

/** A way to share a prediction out; one value of the table of methods. */
export interface AttributionMethod {
  readonly title: string;
  readonly scoresAre: ScoreMeaning;
  /** What the scores mean, one sentence for the report. */
  readonly reading: string;
  readonly paperIds: readonly string[];
  /** Whether the layer's maps are weighted; without a layer, the last one with positions is taken. */
  readonly weightsMaps?: boolean;
  /** Whether the layer is the one whose maps are pooled before a linear head, and no other. */
  readonly readsPooledMaps?: boolean;
  /** Whether it reads attention probabilities, so that fused attention is written out first. */
  readonly readsAttention?: boolean;
  /** Whether the scores depend on the baseline, so that a row equal to it has none. */
  readonly usesBaseline: boolean;
  /** Forward passes that explaining one row takes as long as. */
  passesPerRow(settings: AttributionSettings, workload: Workload): number;
  /** What it means when scores that should add up do not. */
  whyIncomplete?(settings: AttributionSettings): Incompleteness;
  attribute(problem: Problem): Promise<Attributions>;
}
