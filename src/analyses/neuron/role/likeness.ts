import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Dataset } from '../../../data/dataset.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { resolveAddress } from '../../../onnx/addresses.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { Model } from '../../../onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { fedBatches, pickFeeds, sampleTotalOf } from '../../shared/sweep.js';
import { concreteTypes, firstBatch, floatTypes, sizesOf } from '../../shared/targetPlan.js';
import { maskInputOf } from '../../shared/targetTap.js';
import type { ChosenUnit } from './chosenUnit.js';

/** How the units of a layer go together with one of them over samples and positions. */
export interface Likeness {
  /** Pearson's correlation with each unit, itself included; NaN where one of the two does not vary. */
  readonly correlations: Float64Array;
  /** Mean of the unit's own value. */
  readonly mean: number;
  readonly sampleCount: number;
  /** Values of the unit that were seen: samples × unmasked positions. */
  readonly valueCount: number;
}

/** Shift, so that sums in float32 are of small numbers, and which rows of a batch count. */
const shiftInput = 'ni/shift';
const rowsInput = 'ni/rows';

interface LikenessGraph {
  readonly model: Model;
  readonly unitCount: number;
  readonly outputs: Readonly<Record<'sums' | 'squares' | 'products' | 'counts', string>>;
}

/**
 * Returns how the activations of a unit's layer are correlated with the unit's, in one pass; per batch four rows of sums leave the
 * runtime, which are added in float64. A reason where they cannot be measured.
 */
export async function measureLikeness(
  context: AnalysisContext,
  {
    data,
    table,
    chosen,
  }: { readonly data: Dataset; readonly table: LayerTable; readonly chosen: ChosenUnit },
  onBatch: (sampleCount: number) => void,
): Promise<Likeness | string> {
  const first = await firstBatch(context, data);
  if (first === undefined) return 'the data hold no sample';
  const { value, unitAxis, ...resolved } = resolveAddress(chosen.measuredAt, table);
  const types = await concreteTypes(context, first.feeds, [value]);
  const type = types.get(value);
  const sizes = sizesOf(type);
  if (
    sizes === undefined ||
    unitAxis === null ||
    type?.kind !== 'tensor' ||
    !floatTypes.has(type.elementType)
  ) {
    return 'the shape of its layer’s output is not known, or it holds no floating-point numbers';
  }
  const batchAxis = resolved.kind === 'layer' ? (table.byName.get(resolved.name)?.batchAxis ?? 0) : 0;
  if (sizes[batchAxis] !== first.rowCount) return 'its positions are folded into the axis of samples';
  const mask = first.feeds[maskInputOf(data)] === undefined ? undefined : maskInputOf(data);
  const axis = unitAxis < 0 ? unitAxis + sizes.length : unitAxis;
  const graph = likenessGraph(context.model, { value, sizes, axis, batchAxis, mask, unit: chosen.unit });
  return new LikenessPass(context, { data, graph, unit: chosen.unit, onBatch }).run();
}

interface GraphPlace {
  readonly value: string;
  readonly sizes: readonly number[];
  readonly axis: number;
  readonly batchAxis: number;
  readonly mask: string | undefined;
  readonly unit: number;
}

function likenessGraph(model: Model, place: GraphPlace): LikenessGraph {
  const { value, sizes, axis, batchAxis, mask, unit } = place;
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const unitCount = sizes[axis] ?? 0;
  const float = dataTypeFacts('float32').code;
  const inner = sizes.map((_, at) => at).filter((at) => at !== axis && at !== batchAxis);
  const moved = builder.node('Transpose', [builder.cast(value, float)], {
    attributes: { perm: [batchAxis, ...inner, axis] },
  });
  const shift = builder.addInput(shiftInput, { kind: 'tensor', elementType: 'float32', shape: [unitCount] });
  const rows = builder.addInput(rowsInput, { kind: 'tensor', elementType: 'float32', shape: ['ni/N'] });
  const ones = [...inner.map(() => 1), 1];
  let counted = builder.node('Reshape', [rows, builder.int64s([-1, ...ones])]);
  // Tokens are the first position axis.
  if (mask !== undefined && inner.length > 0) {
    const flags = builder.cast(mask, float);
    counted = builder.node('Mul', [
      counted,
      builder.node('Reshape', [flags, builder.int64s([0, -1, ...ones.slice(1)])]),
    ]);
  }
  const flat = (of: string): string => builder.node('Reshape', [of, builder.int64s([-1, unitCount])]);
  const centred = flat(builder.node('Mul', [builder.node('Sub', [moved, shift]), counted]));
  const own = builder.node('Gather', [centred, builder.int64s([unit])], { attributes: { axis: 1 } });
  const all = builder.node('Mul', [
    builder.node('Expand', [builder.scalar(1), builder.node('Shape', [moved])]),
    counted,
  ]);
  const outputs = {
    sums: builder.reduce('ReduceSum', centred, [0], false),
    squares: builder.reduce('ReduceSumSquare', centred, [0], false),
    products: builder.node('MatMul', [
      builder.node('Transpose', [own], { attributes: { perm: [1, 0] } }),
      centred,
    ]),
    counts: builder.reduce('ReduceSum', flat(all), [0], false),
  };
  for (const output of Object.values(outputs)) builder.addOutput(output);
  return { model: prune(builder.build(), Object.values(outputs)), unitCount, outputs };
}

interface PassParts {
  readonly data: Dataset;
  readonly graph: LikenessGraph;
  readonly unit: number;
  readonly onBatch: (sampleCount: number) => void;
}

class LikenessPass {
  private readonly context: AnalysisContext;
  private readonly parts: PassParts;
  private readonly sums: Float64Array;
  private readonly squares: Float64Array;
  private readonly products: Float64Array;
  private shift: Float32Array;
  private valueCount = 0;
  private sampleCount = 0;

  constructor(context: AnalysisContext, parts: PassParts) {
    this.context = context;
    this.parts = parts;
    const { unitCount } = parts.graph;
    this.sums = new Float64Array(unitCount);
    this.squares = new Float64Array(unitCount);
    this.products = new Float64Array(unitCount);
    this.shift = new Float32Array(unitCount);
  }

  async run(): Promise<Likeness> {
    const { context, parts } = this;
    const { data, graph } = parts;
    const request = { ...context, data };
    const session = await context.runtime.open(graph.model);
    let isFirst = true;
    try {
      for await (const { batch, feeds, rowCount } of fedBatches(
        request,
        context.model,
        sampleTotalOf(request),
      )) {
        const run = async (): Promise<Readonly<Record<string, TensorValue>>> =>
          session.run(pickFeeds(this.fed(feeds, rowCount, batch.sampleCount), session));
        if (isFirst) this.centre(await run());
        isFirst = false;
        this.add(await run());
        this.sampleCount += batch.sampleCount;
        parts.onBatch(this.sampleCount);
        await yieldToEventLoop();
        throwIfAborted(context.signal);
      }
    } finally {
      await session.close();
    }
    return this.result();
  }

  private fed(feeds: Feeds, rowCount: number, sampleCount: number): Feeds {
    const rows = Float32Array.from({ length: rowCount }, (_, row) => (row < sampleCount ? 1 : 0));
    return {
      ...feeds,
      [rowsInput]: float32Tensor(rows, [rowCount]),
      [shiftInput]: float32Tensor(this.shift, [this.shift.length]),
    };
  }

  /** The means of the first batch: what is subtracted before anything is squared. */
  private centre(values: Readonly<Record<string, TensorValue>>): void {
    const { outputs } = this.parts.graph;
    const [sums, counts] = [read(values, outputs.sums), read(values, outputs.counts)];
    this.shift = Float32Array.from(sums, (sum, unit) => {
      const mean = sum / (counts[unit] ?? NaN);
      return Number.isFinite(mean) ? mean : 0;
    });
  }

  private add(values: Readonly<Record<string, TensorValue>>): void {
    const { outputs } = this.parts.graph;
    for (const [total, output] of [
      [this.sums, outputs.sums],
      [this.squares, outputs.squares],
      [this.products, outputs.products],
    ] as const) {
      for (const [unit, sum] of read(values, output).entries()) total[unit] = (total[unit] ?? 0) + sum;
    }
    this.valueCount += read(values, outputs.counts)[0] ?? 0;
  }

  private result(): Likeness {
    const { sums, squares, products, valueCount, sampleCount } = this;
    const { unit } = this.parts;
    const own = sums[unit] ?? NaN;
    const variance = (at: number): number => (squares[at] ?? NaN) - (sums[at] ?? NaN) ** 2 / valueCount;
    const correlations = products.map((product, other) => {
      const covariance = product - (own * (sums[other] ?? NaN)) / valueCount;
      const size = Math.sqrt(variance(unit) * variance(other));
      return size > 0 ? covariance / size : NaN;
    });
    return { correlations, mean: (this.shift[unit] ?? 0) + own / valueCount, sampleCount, valueCount };
  }
}

function read(values: Readonly<Record<string, TensorValue>>, name: string): Float64Array {
  const value = values[name];
  if (value === undefined) throw new Error(`The output ${name} of a correlation is missing.`);
  return toFloat64(value);
}
