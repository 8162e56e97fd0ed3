import { Spread } from '../../engine/numeric/spread.js';
import { type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import { saturationBounds, type StateRule } from '../shared/states.js';
import { createUnitStatistics, type UnitStatistics } from '../shared/unitStatistics.js';
import { type ExampleBlock, exampleOf, type FoundExample, TopExamples } from './unitExamples.js';
import { countedElements, type UnitLayout, unitLayoutOf } from './unitLayout.js';

/** How a neuron's numbers are judged and which samples are kept. */
export interface FoldOptions {
  readonly rule: StateRule;
  /** ε × the layer's RMS; undefined where activity is not relative to it. */
  readonly threshold: number | undefined;
  /** Numbers are compared as the graph holds them: float32 unless this is set. */
  readonly isDouble: boolean;
  readonly tokenAxes: readonly number[];
  readonly position: readonly number[] | undefined;
  readonly exampleCount: number;
  /** Samples that are examples whatever they are. */
  readonly chosen: ReadonlySet<number>;
}

/** One batch of one neuron's numbers. */
export interface UnitBatch {
  /** Samples that count; rows beyond them only fill a fixed batch. */
  readonly sampleCount: number;
  readonly rowCount: number;
  readonly firstIndex: number;
  readonly leaving: TensorValue;
  readonly entering: TensorValue | undefined;
  readonly mask: TensorValue | undefined;
}

/** Everything known of one neuron after some batches; the numbers of health reports, counted outside the graph. */
export class UnitFold {
  readonly leaving = new Spread();
  readonly entering = new Spread();
  readonly statistics: UnitStatistics = createUnitStatistics(1, 1);
  private readonly top: TopExamples;
  private readonly nearest: TopExamples;
  private readonly chosen = new Map<number, FoundExample>();
  private readonly options: FoldOptions;
  private readonly isActive: (value: number) => boolean;
  private readonly isSaturated: (value: number) => boolean;

  constructor(options: FoldOptions) {
    this.options = options;
    this.top = new TopExamples(options.exampleCount);
    this.nearest = new TopExamples(options.exampleCount);
    const asHeld = options.isDouble ? (value: number): number => value : Math.fround;
    this.isActive = activityOf(options.threshold === undefined ? undefined : asHeld(options.threshold));
    this.isSaturated = saturationOf(options.rule, asHeld);
  }

  add(batch: UnitBatch): void {
    const { sampleCount, rowCount, mask } = batch;
    const layout = unitLayoutOf(batch.leaving, rowCount);
    const { tokenAxes, position } = this.options;
    const unmasked = countedElements(layout, { sampleCount, mask, tokenAxes, position: undefined });
    const counted =
      position === undefined ? unmasked : countedElements(layout, { sampleCount, mask, tokenAxes, position });
    const elements: BatchElements = { batch, layout, counted, unmasked };
    this.addLeaving(elements, numbersOf(batch.leaving, batch, layout));
    if (batch.entering !== undefined) this.addEntering(elements, numbersOf(batch.entering, batch, layout));
    this.statistics.sampleCount += sampleCount;
  }

  /** Samples with the largest numbers, largest first. */
  topExamples(): FoundExample[] {
    return this.top.examples();
  }

  /** Samples on which the largest numbers enter the activation, largest first. */
  nearestExamples(): FoundExample[] {
    return this.nearest.examples();
  }

  /** The chosen samples that were seen, in data order. */
  chosenExamples(): FoundExample[] {
    return [...this.chosen.values()].sort((a, b) => a.index - b.index);
  }

  private addLeaving(elements: BatchElements, numbers: Float64Array): void {
    const { rule } = this.options;
    const { statistics } = this;
    const isRectifier = rule.kind === 'rectifier' || rule.kind === 'smooth-rectifier';
    // A rectifier's zeros are no examples of anything; a fully masked sample has no maximum.
    const floor = isRectifier ? 0 : -Infinity;
    for (const block of blocksOf(elements, numbers)) {
      const activeCount = this.countBlock(block);
      if (activeCount > 0) increase(statistics.activeSampleCount, 1);
      if (block.largest > floor) this.top.offer(block);
      if (this.options.chosen.has(block.index)) this.chosen.set(block.index, exampleOf(block));
    }
    this.leaving.add(compact(numbers, elements.counted), elements.batch.sampleCount);
    statistics.elementCount = this.leaving.count;
    statistics.maximum[0] = this.leaving.maximum;
    statistics.minimum[0] = this.leaving.minimum;
    statistics.sum[0] = this.leaving.mean * this.leaving.count;
    statistics.nanLeaving[0] = this.leaving.nanCount;
    statistics.infiniteLeaving[0] = this.leaving.infiniteCount;
  }

  private addEntering(elements: BatchElements, numbers: Float64Array): void {
    for (const block of blocksOf(elements, numbers)) {
      if (block.largest > -Infinity) this.nearest.offer(block);
    }
    this.entering.add(compact(numbers, elements.counted), elements.batch.sampleCount);
    this.statistics.nanEntering[0] = this.entering.nanCount;
    this.statistics.infiniteEntering[0] = this.entering.infiniteCount;
  }

  private countBlock({ numbers, counted }: ExampleBlock): number {
    let positive = 0;
    let nonZero = 0;
    let active = 0;
    let saturated = 0;
    for (let i = 0; i < numbers.length; i++) {
      if (counted?.[i] === 0) continue;
      const value = numbers[i] ?? NaN;
      if (value > 0) positive++;
      if (value !== 0) nonZero++;
      if (this.isActive(value)) active++;
      if (this.isSaturated(value)) saturated++;
    }
    const { statistics } = this;
    increase(statistics.positiveCount, positive);
    increase(statistics.nonZeroCount, nonZero);
    increase(statistics.activeCount, active);
    increase(statistics.saturatedCount, saturated);
    return active;
  }
}

/** Numbers of one batch with which of them count and which are shown. */
interface BatchElements {
  readonly batch: UnitBatch;
  readonly layout: UnitLayout;
  readonly counted: Uint8Array | undefined;
  readonly unmasked: Uint8Array | undefined;
}

function numbersOf(
  value: TensorValue,
  { sampleCount }: UnitBatch,
  { blockLength }: UnitLayout,
): Float64Array {
  return toFloat64(value).subarray(0, sampleCount * blockLength);
}

function* blocksOf(
  { batch, layout, counted, unmasked }: BatchElements,
  numbers: Float64Array,
): Generator<ExampleBlock> {
  for (let sample = 0; sample < batch.sampleCount; sample++) {
    const from = sample * layout.blockLength;
    const to = from + layout.blockLength;
    const block = numbers.subarray(from, to);
    const counts = counted?.subarray(from, to);
    yield {
      index: batch.firstIndex + sample,
      layout,
      numbers: block,
      counted: counts,
      unmasked: unmasked?.subarray(from, to),
      ...largestOf(block, counts),
    };
  }
}

/** The first of the largest; NaN as soon as one number is, and then at the first NaN. */
function largestOf(
  numbers: Float64Array,
  counted: Uint8Array | undefined,
): Pick<ExampleBlock, 'largest' | 'largestAt'> {
  let largest = -Infinity;
  let largestAt = -1;
  for (let i = 0; i < numbers.length; i++) {
    if (counted?.[i] === 0) continue;
    const value = numbers[i] ?? NaN;
    if (Number.isNaN(value)) return { largest: NaN, largestAt: i };
    if (value > largest || largestAt < 0) {
      largest = value;
      largestAt = i;
    }
  }
  return { largest, largestAt };
}

function compact(numbers: Float64Array, counted: Uint8Array | undefined): Float64Array {
  return counted === undefined ? numbers : numbers.filter((_, i) => counted[i] !== 0);
}

function activityOf(threshold: number | undefined): (value: number) => boolean {
  return threshold === undefined ? (value) => value > 0 : (value) => Math.abs(value) > threshold;
}

function saturationOf(rule: StateRule, asHeld: (value: number) => number): (value: number) => boolean {
  const bounds = saturationBounds(rule);
  if (bounds === undefined) return () => false;
  const low = asHeld(bounds.low);
  if (bounds.high === undefined) return (value) => value <= low;
  const high = asHeld(bounds.high);
  return (value) => value <= low || value >= high;
}

function increase(field: Float64Array, amount: number): void {
  field[0] = (field[0] ?? 0) + amount;
}
