import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Dataset } from '../../../data/dataset.js';
import { type CrossMoments, mergeCross, noCross } from '../../../engine/numeric/crossMoments.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { int64Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { fedBatches, pickFeeds, sampleTotalOf } from '../../shared/sweep.js';
import { buildGraph, type SweepGraph, type SweepTarget, type TargetTap } from '../../shared/targetTap.js';

/** A layer to observe. */
export interface Observed {
  readonly target: SweepTarget;
  /** Units that are looked at, ascending. */
  readonly units: readonly number[];
  /** Places along the positions of a row, each in [0, 1); undefined where all positions are taken. */
  readonly places: readonly number[] | undefined;
}

/** Rows that are samples, not what a fixed batch was filled up with; `[1]`. */
const rowsInput = 'ni/rows';

interface Outputs {
  /** Observations, `[1, 1]`. */
  readonly count: string;
  /** `[1, U]`. */
  readonly mean: string;
  /** `[U, U]`. */
  readonly products: string;
}

/**
 * Returns the moments of the units of every layer, in the order of the layers. Each batch is centred on its own mean and
 * multiplied out inside the graph, in float64; batches merge outside. Memory: three U × U matrices a layer, whatever the data.
 */
export async function observe(
  context: AnalysisContext,
  data: Dataset,
  layers: readonly Observed[],
): Promise<CrossMoments[]> {
  const graph = momentGraph(context.model, layers);
  const moments = layers.map(({ units }) => noCross(units.length));
  const total = sampleTotalOf({ data, limit: context.limit });
  const session = await context.runtime.open(graph.model);
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, context.model, total)) {
      const rows = int64Tensor([batch.sampleCount], [1]);
      const values = await session.run(pickFeeds({ ...feeds, [rowsInput]: rows }, session));
      for (const [layer, outputs] of graph.targets.entries()) {
        const [before, own] = [moments[layer], momentsOf(values, outputs)];
        if (before !== undefined && own.count > 0) moments[layer] = mergeCross(before, own);
      }
      context.progress({
        fractionDone: Math.min(1, (batch.firstIndex + batch.sampleCount) / total),
        message: 'Measuring how units vary together',
      });
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return moments;
}

function momentsOf(values: Feeds, outputs: Outputs): CrossMoments {
  const read = (name: string): Float64Array => {
    const value = values[name];
    if (value === undefined) throw new Error(`The runtime gave no ${name}.`);
    return toFloat64(value);
  };
  return { count: read(outputs.count)[0] ?? 0, mean: read(outputs.mean), products: read(outputs.products) };
}

function momentGraph(model: Model, layers: readonly Observed[]): SweepGraph<Outputs> {
  const byTarget = new Map(layers.map((layer) => [layer.target, layer]));
  return buildGraph(model, [...byTarget.keys()], (tap) => {
    const layer = byTarget.get(tap.target);
    if (layer === undefined) throw new Error('Every target is one of a layer.');
    return appendMoments(tap, layer);
  });
}

function appendMoments(tap: TargetTap, { target, units, places }: Observed): Outputs {
  const { builder } = tap;
  const double = (value: string): string => builder.cast(value, dataTypeFacts('float64').code);
  const chosen =
    units.length === target.unitCount
      ? tap.filled(0)
      : builder.node('Gather', [tap.filled(0), builder.int64s(units)], {
          attributes: { axis: target.unitAxis },
        });
  const x = double(observations(tap, { value: chosen, width: units.length, places }));
  const weights =
    tap.mask === undefined ? undefined : double(observations(tap, { value: tap.mask, width: 1, places }));
  const count =
    weights === undefined
      ? builder.node('Reshape', [
          double(builder.node('Gather', [builder.node('Shape', [x]), builder.int64s([0])])),
          builder.int64s([1, 1]),
        ])
      : builder.reduce('ReduceSum', weights, [0], true);
  const mean = builder.node('Div', [builder.reduce('ReduceSum', x, [0], true), count]);
  const deviations = builder.node('Sub', [x, mean]);
  const centred = weights === undefined ? deviations : builder.node('Mul', [deviations, weights]);
  const turned = builder.node('Transpose', [centred], { attributes: { perm: [1, 0] } });
  const products = builder.node('MatMul', [turned, centred]);
  return { count: tap.expose(count), mean: tap.expose(mean), products: tap.expose(products) };
}

/** Turns a value into a row for each observation, `[samples · positions, width]`. */
function observations(
  { builder, target }: TargetTap,
  {
    value,
    width,
    places,
  }: { readonly value: string; readonly width: number; readonly places: Observed['places'] },
): string {
  const { rank, unitAxis, rowsPerSample } = target;
  const others = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== unitAxis);
  const turned = builder.node('Transpose', [value], { attributes: { perm: [...others, unitAxis] } });
  // [rows, positions, width].
  const rows = builder.node('Reshape', [
    turned,
    rank === 2 ? builder.int64s([-1, 1, width]) : builder.int64s([0, -1, width]),
  ]);
  if (!builder.hasInput(rowsInput)) {
    builder.addInput(rowsInput, { kind: 'tensor', elementType: 'int64', shape: [1] });
  }
  const end = builder.node('Mul', [rowsInput, builder.int64s([rowsPerSample])]);
  const own = builder.node('Slice', [rows, builder.int64s([0]), end, builder.int64s([0])]);
  const taken = places === undefined ? own : takePlaces(builder, own, places);
  return builder.node('Reshape', [taken, builder.int64s([-1, width])]);
}

function takePlaces(builder: TargetTap['builder'], rows: string, places: readonly number[]): string {
  const shape = builder.node('Shape', [rows]);
  const double = dataTypeFacts('float64').code;
  const length = builder.cast(builder.node('Gather', [shape, builder.int64s([1])]), double);
  const fractions: TensorValue = { dtype: 'float64', dims: [places.length], data: Float64Array.from(places) };
  const scaled = builder.node('Mul', [builder.constant(fractions), length]);
  const indices = builder.cast(builder.node('Floor', [scaled]), dataTypeFacts('int64').code);
  return builder.node('Gather', [rows, indices], { attributes: { axis: 1 } });
}
