import { throwIfAborted, yieldToEventLoop } from '../../base/abort.js';
import type { Dataset } from '../../data/dataset.js';
import type { RecognisedBlock } from '../../onnx/blocks/recognisedBlock.js';
import { dataTypeFacts } from '../../onnx/dataTypes.js';
import type { LayerTable } from '../../onnx/layers/layer.js';
import { layerWord } from '../../protocol/layerWords.js';
import { type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import type { AnalysisContext } from '../analysis.js';
import { fedBatches, pickFeeds } from './sweep.js';
import { factsOfLayers, planTarget, type TargetLayer } from './targetPlan.js';
import { buildGraph, type SweepTarget, type TargetTap } from './targetTap.js';
import type { ValueMoments } from './valueMoments.js';

/** What a value is like over units, positions and samples. */
export interface UnitMoments extends ValueMoments {
  /** Deviation of the units’ means about the mean of all. */
  readonly meanSpread: number;
  /** Smallest and largest deviation of a unit over its positions and samples. */
  readonly unitDeviations: readonly [smallest: number, largest: number];
}

/** A normalisation, with its activation where one belongs to it, and what it does to the statistics. */
export interface NormalisedLayer {
  /** Of the recognised block, or of the layer alone. */
  readonly name: string;
  /** `EvoNorm-S0`, `BN + ReLU`, `LayerNorm`. */
  readonly variant: string;
  /** The layer that stands for it; undefined where it has none. */
  readonly layer: string | undefined;
  readonly before: UnitMoments;
  readonly after: UnitMoments;
}

/** A recognised normalisation, before it is measured. */
export interface FoundNormalisation extends TargetLayer {
  /** `EvoNorm-S0`, `BN + ReLU`, `LayerNorm`. */
  readonly variant: string;
  /** The layer that stands for it; undefined where it has none. */
  readonly layer: string | undefined;
}

/** Returns the statistics before and after every recognised normalisation of the first samples, masked positions left out. */
export async function measureNormalised(
  context: AnalysisContext,
  data: Dataset,
  limit: number,
): Promise<NormalisedLayer[]> {
  const found = await factsOfLayers(context, data, findNormalisations);
  if (found === undefined) return [];
  const planned = found.layers.flatMap((layer) => {
    const target = planTarget(layer, found.facts);
    return typeof target === 'string' || target.entering === undefined ? [] : [{ layer, target }];
  });
  if (planned.length === 0) return [];
  const sums = await sumUnits(context, data, { targets: planned.map(({ target }) => target), limit });
  return planned.map(({ layer }, index): NormalisedLayer => {
    const { count, before, after } = sums[index] ?? noSums(0);
    const { name, variant } = layer;
    return {
      name,
      variant,
      layer: layer.layer,
      before: unitMoments(count, before),
      after: unitMoments(count, after),
    };
  });
}

/** Returns every recognised normalisation in file order: blocks, each with its activation, and those that are in none. */
export function findNormalisations(table: LayerTable): FoundNormalisation[] {
  const blocks = table.blocks.filter(({ kind }) => kind === 'evonorm' || kind === 'norm-activation');
  const inside = new Set(blocks.flatMap(({ nodes }) => nodes));
  const alone = table.layers.filter(
    ({ kind, nodes }) => kind === 'normalization' && !nodes.some((node) => inside.has(node)),
  );
  const ofBlocks = blocks.map((block) => ({ index: block.index, planned: plannedBlock(block, table) }));
  const ofLayers = alone.map((layer) => ({
    index: layer.index,
    planned: { ...layer, variant: layerWord(layer), layer: layer.name, family: null },
  }));
  return [...ofBlocks, ...ofLayers].sort((a, b) => a.index - b.index).map(({ planned }) => planned);
}

function plannedBlock(
  { name, variant, layers, nodes, output, holders }: RecognisedBlock,
  table: LayerTable,
): FoundNormalisation {
  const layer = layers.map((own) => table.byName.get(own)).find((own) => own?.kind === 'normalization');
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const constants = table.views.flatMap((view) => [...view.constants.keys()]);
  const known = new Set([...constants, ...made, '']);
  return {
    name,
    variant,
    layer: [name, ...holders, ...layers].find((own) => table.byName.has(own)),
    output,
    // EvoNorm is written for channels on axis 1.
    unitAxis: layer === undefined ? 1 : layer.unitAxis,
    isInBody: layer?.isInBody ?? false,
    input: layer?.input ?? nodes.flatMap((node) => node.inputs).find((input) => !known.has(input)) ?? null,
    family: null,
  };
}

/** Sums over positions and samples, by unit. */
interface UnitSums {
  readonly count: Float64Array;
  readonly before: readonly [sum: Float64Array, squares: Float64Array];
  readonly after: readonly [sum: Float64Array, squares: Float64Array];
}

function noSums(unitCount: number): UnitSums {
  const zeros = (): Float64Array => new Float64Array(unitCount);
  return { count: zeros(), before: [zeros(), zeros()], after: [zeros(), zeros()] };
}

interface SumOutputs {
  readonly count: string;
  readonly before: readonly [sum: string, squares: string];
  readonly after: readonly [sum: string, squares: string];
}

function appendSums(tap: TargetTap): SumOutputs {
  const { builder, leaving, entering = leaving } = tap;
  // float32 has too few digits for sums of squares over a whole layer.
  const double = (value: string): string => builder.cast(tap.filled(0, value), dataTypeFacts('float64').code);
  const [before, after] = [double(entering), double(leaving)];
  return {
    count: tap.reduce('sum', tap.ones()),
    before: [tap.reduce('sum', before), tap.reduce('sumOfSquares', before)],
    after: [tap.reduce('sum', after), tap.reduce('sumOfSquares', after)],
  };
}

async function sumUnits(
  context: AnalysisContext,
  data: Dataset,
  { targets, limit }: { readonly targets: readonly SweepTarget[]; readonly limit: number },
): Promise<UnitSums[]> {
  const graph = buildGraph(context.model, targets, appendSums);
  const sums = targets.map(({ unitCount }) => noSums(unitCount));
  const session = await context.runtime.open(graph.model);
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, graph.model, limit)) {
      const values = await session.run(pickFeeds(feeds, session));
      for (const [index, { count, before, after }] of graph.targets.entries()) {
        const [own, target] = [sums[index], targets[index]];
        if (own === undefined || target === undefined) continue;
        const add = (to: Float64Array, name: string): void => {
          addRows(to, values[name], batch.sampleCount * target.rowsPerSample);
        };
        add(own.count, count);
        for (const k of [0, 1] as const) {
          add(own.before[k], before[k]);
          add(own.after[k], after[k]);
        }
      }
      const done = (batch.firstIndex + batch.sampleCount) / limit;
      context.progress({ fractionDone: 0.6 + 0.2 * Math.min(1, done), message: 'Measuring normalisations' });
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return sums;
}

/** Adds the first rows of `[R, U]`: those that fill a fixed batch up count nowhere. */
function addRows(to: Float64Array, value: TensorValue | undefined, rowCount: number): void {
  const elements = value === undefined ? new Float64Array() : toFloat64(value);
  for (let at = 0; at < rowCount * to.length; at++) {
    const unit = at % to.length;
    to[unit] = (to[unit] ?? 0) + (elements[at] ?? NaN);
  }
}

function unitMoments(
  counts: Float64Array,
  [sums, squares]: readonly [sum: Float64Array, squares: Float64Array],
): UnitMoments {
  const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
  const count = total(counts);
  const [mean, square] = [total(sums) / count, total(squares) / count];
  const means = sums.map((sum, unit) => sum / (counts[unit] ?? NaN));
  const deviations = means.map((own, unit) =>
    Math.sqrt(Math.max(0, (squares[unit] ?? NaN) / (counts[unit] ?? NaN) - own * own)),
  );
  return {
    ...{ mean, square, variance: Math.max(0, square - mean * mean) },
    meanSpread: Math.sqrt(total(means.map((own) => (own - mean) ** 2)) / means.length),
    unitDeviations: [Math.min(...deviations), Math.max(...deviations)],
  };
}
