import { type DataType, dataTypeFacts } from '../../onnx/dataTypes.js';
import type { Model } from '../../onnx/model.js';
import { GraphBuilder } from '../../engine/graph/graphBuilder.js';
import { appendCount, appendReduction, type Condition, type Reducer } from '../../engine/rewrites/reduce.js';
import { prune } from '../../engine/rewrites/prune.js';
import type { StateRule } from './states.js';

/** An activation output to measure, everything about its shape known. */
export interface SweepTarget {
  /** Name of the layer: what addresses and arrays are called by. */
  readonly layer: string;
  /** Value entering the activation; undefined when nothing in the main graph holds it. */
  readonly entering: string | undefined;
  /** Value leaving it. */
  readonly leaving: string;
  readonly elementType: DataType;
  readonly rank: number;
  readonly unitAxis: number;
  readonly unitCount: number;
  /** Rows of axis 0 per sample: more than 1 where positions were folded into the batch axis, `[N·T, U]`. */
  readonly rowsPerSample: number;
  /** How a token mask `[N, T]` lines up with the value; undefined when it does not. */
  readonly maskLayout: 'rows' | 'axis-1' | 'axis-2' | undefined;
  /** Input whose zeros mark masked tokens; default `attention_mask`. */
  readonly maskInput?: string;
  readonly rule: StateRule;
}

/** A model that computes statistics instead of its outputs. */
export interface SweepGraph<T> {
  readonly model: Model;
  readonly targets: readonly T[];
}

/** Returns the input whose zeros mark masked tokens: the one the data names, else `attention_mask`. */
export function maskInputOf({ maskInput }: { readonly maskInput?: string }): string {
  return maskInput ?? 'attention_mask';
}

/** Returns the model with what `append` adds for each target as its only outputs; everything else is pruned. */
export function buildGraph<T>(
  model: Model,
  targets: readonly SweepTarget[],
  append: (tap: TargetTap) => T,
): SweepGraph<T> {
  const builder = new GraphBuilder(withNamedSizes(model, targets));
  builder.setOutputs([]);
  const outputs: string[] = [];
  const built = targets.map((target) => append(new TargetTap(builder, target, outputs)));
  return { model: prune(builder.build(), [...new Set(outputs)]), targets: built };
}

/**
 * Returns the model with a name for every size of a measured value that the file does not declare: behind a convolution of maps of
 * any size, say, the runtime knows none before running.
 *
 * The runtime, planning memory, compares every value with all that are free. Those of sizes without a name fit nothing and pile up,
 * a few for every statistic: with histograms of ten bins ResNet-18's shape took 29 of 72 ms longer to open, and it grows with the
 * square of their number.
 */
function withNamedSizes(model: Model, targets: readonly SweepTarget[]): Model {
  const { graph } = model;
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const valueInfo = new Map(graph.valueInfo);
  for (const { leaving, elementType, rank, unitAxis, unitCount } of targets) {
    if (!made.has(leaving)) continue;
    const declared = valueInfo.get(leaving)?.type;
    const known = declared?.kind === 'tensor' && declared.shape?.length === rank ? declared.shape : null;
    const shape = Array.from({ length: rank }, (_, axis) => {
      if (axis === unitAxis) return unitCount;
      return known?.[axis] ?? `ni/size of ${leaving}, axis ${axis}`;
    });
    valueInfo.set(leaving, {
      name: leaving,
      type: { kind: 'tensor', elementType, shape },
      metadata: valueInfo.get(leaving)?.metadata ?? new Map(),
    });
  }
  return { ...model, graph: { ...graph, valueInfo } };
}

/** Appends the statistics of one target, masked where a mask lines up with it. */
export class TargetTap {
  readonly builder: GraphBuilder;
  readonly target: SweepTarget;
  readonly leaving: string;
  readonly entering: string | undefined;
  private readonly outputs: string[];
  private readonly axes: readonly number[];
  readonly mask: string | undefined;
  private readonly computeType: 'float32' | 'float64';

  constructor(builder: GraphBuilder, target: SweepTarget, outputs: string[]) {
    this.builder = builder;
    this.target = target;
    this.outputs = outputs;
    this.axes = positionAxes(target);
    this.mask = this.appendMask();
    this.computeType = target.elementType === 'float64' ? 'float64' : 'float32';
    this.leaving = this.computable(target.leaving);
    this.entering = target.entering === undefined ? undefined : this.computable(target.entering);
  }

  /** Whether a sample has more than one element per unit. */
  get hasPositions(): boolean {
    return this.axes.length > 0;
  }

  expose(value: string): string {
    this.builder.addOutput(value);
    this.outputs.push(value);
    return value;
  }

  scalar(value: number): string {
    if (this.computeType === 'float32') return this.builder.scalar(value);
    return this.builder.constant({ dtype: 'float64', dims: [], data: Float64Array.of(value) });
  }

  /** The leaving (or another) value with masked elements replaced. */
  filled(by: number, value = this.leaving): string {
    return this.mask === undefined ? value : this.builder.node('Where', [this.mask, value, this.scalar(by)]);
  }

  /** Ones in the shape of what leaves, zeros where it is masked. */
  ones(): string {
    const shape = this.builder.node('Shape', [this.leaving]);
    return this.filled(0, this.builder.node('Expand', [this.scalar(1), shape]));
  }

  reduce(reducer: Reducer, value: string): string {
    const reduced = appendReduction(this.builder, reducer, { value, axes: this.axes });
    // Without positions nothing was appended: an input or constant cannot be an output itself.
    return this.expose(reduced === value ? this.builder.node('Identity', [value]) : reduced);
  }

  /** A number per sample and unit that is finite exactly when every element is (and their sum does not overflow). */
  finiteness(value: string): string {
    const { rank, unitAxis } = this.target;
    const isImageLike = rank > 2 && unitAxis === 1 && this.mask === undefined;
    if (!isImageLike || this.computeType !== 'float32') return this.reduce('sum', this.filled(0, value));
    // Pooling runs in the blocked layout that convolutions use; a reduction would first have the value copied out of it.
    return this.expose(this.builder.node('GlobalAveragePool', [value]));
  }

  count(condition: Condition, value = this.leaving): string {
    return this.expose(appendCount(this.builder, condition, { value, axes: this.axes }, this.mask));
  }

  countAbove(threshold: number): string {
    const magnitude = this.builder.node('Abs', [this.leaving]);
    return this.count({ kind: 'greater', bound: this.scalar(threshold) }, magnitude);
  }

  /** float16 sums overflow at 65,504, so halves are widened first. */
  private computable(value: string): string {
    const { elementType } = this.target;
    if (elementType === 'float32' || elementType === 'float64') return value;
    return this.builder.cast(value, dataTypeFacts('float32').code);
  }

  private appendMask(): string | undefined {
    const { maskLayout } = this.target;
    if (maskLayout === undefined) return undefined;
    const flags = this.builder.cast(maskInputOf(this.target), dataTypeFacts('bool').code);
    if (maskLayout === 'rows') {
      const trailing = new Array<number>(this.target.rank - 1).fill(1);
      return this.builder.node('Reshape', [flags, this.builder.int64s([-1, ...trailing])]);
    }
    // [N, T] against [N, T, U] or [N, U, T].
    return this.builder.node('Unsqueeze', [flags, this.builder.int64s([maskLayout === 'axis-1' ? 2 : 1])]);
  }
}

/** Returns every axis but the batch and the unit axis. */
function positionAxes({ rank, unitAxis }: SweepTarget): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 0 && axis !== unitAxis);
}
