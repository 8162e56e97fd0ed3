import type { Dataset } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { Model } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { createModelScorer } from '../../shared/modelScore.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';
import { type LayerClusters, mergedModel, type Parameters } from './mergedModel.js';
import { clustersAt, type Merge } from './mergeSequence.js';
import type { MergeableLayer } from './unitParameters.js';

/** A layer with the merges of its units, nearest first. */
export interface MergedLayer {
  readonly layer: MergeableLayer;
  readonly merges: readonly Merge[];
}

/** The model merged under one threshold. */
export interface CurvePoint {
  readonly beta: number;
  /** Features left in all layers that can be merged. */
  readonly featureCount: number;
  /** Share of right answers; undefined where there is nothing to score by. */
  readonly score: number | undefined;
  /** ‖y′ − y‖ / ‖y‖ over all outputs of the first samples; undefined without data. */
  readonly outputChange: number | undefined;
}

/** What a curve was measured with. */
export interface Curve {
  readonly points: readonly CurvePoint[];
  readonly scoreName: string | undefined;
  /** Why there is no score. */
  readonly reason: string | undefined;
  readonly sampleCount: number;
}

/** Samples that outputs are compared on. */
const comparedCount = 64;

/** Returns the layers' clusters under a threshold. */
export function clustersUnder(layers: readonly MergedLayer[], beta: number): LayerClusters[] {
  return layers.map(({ layer, merges }) => ({ layer, clusters: clustersAt(merges, layer.unitCount, beta) }));
}

/** Returns how many features are left. */
function featuresLeft(merged: readonly LayerClusters[]): number {
  return merged.reduce((total, { clusters }) => total + new Set(clusters).size, 0);
}

/** Merges under every threshold, and measures the model; thresholds that merge the same are measured once. */
export async function measureCurve(
  context: AnalysisContext,
  { layers, parameters }: { readonly layers: readonly MergedLayer[]; readonly parameters: Parameters },
  { betas, limit }: { readonly betas: readonly number[]; readonly limit: number },
): Promise<Curve> {
  const scorer = await createModelScorer(context, limit);
  const compared =
    context.data === undefined ? undefined : await outputsOf(context, context.data, context.model);
  const known = new Map<number, CurvePoint>();
  const points: CurvePoint[] = [];
  for (const [index, beta] of betas.entries()) {
    const merged = clustersUnder(layers, beta);
    const featureCount = featuresLeft(merged);
    let point = known.get(featureCount);
    if (point === undefined) {
      const model = mergedModel(context.model, parameters, merged);
      const outputs = context.data === undefined ? undefined : await outputsOf(context, context.data, model);
      point = {
        ...{ beta, featureCount },
        score: typeof scorer === 'string' ? undefined : await scorer.of(model),
        outputChange:
          compared === undefined || outputs === undefined ? undefined : changeOf(compared, outputs),
      };
      known.set(featureCount, point);
    }
    points.push({ ...point, beta });
    context.progress({
      fractionDone: 0.4 + (0.6 * (index + 1)) / betas.length,
      message: `β = ${beta.toPrecision(3)}`,
    });
  }
  return typeof scorer === 'string'
    ? { points, scoreName: undefined, reason: scorer, sampleCount: compared?.sampleCount ?? 0 }
    : { points, scoreName: scorer.name, reason: undefined, sampleCount: scorer.sampleCount };
}

interface Compared {
  readonly outputs: Feeds;
  readonly sampleCount: number;
}

async function outputsOf(
  context: AnalysisContext,
  data: Dataset,
  model: Model,
): Promise<Compared | undefined> {
  const session = await context.runtime.open(model, { purpose: 'probe' });
  try {
    const limit = Math.min(comparedCount, data.sampleCount, context.limit ?? Infinity, context.batchSize);
    for await (const { batch, feeds } of fedBatches({ ...context, data }, model, limit)) {
      return { outputs: await session.run(pickFeeds(feeds, session)), sampleCount: batch.sampleCount };
    }
    return undefined;
  } finally {
    await session.close();
  }
}

function changeOf({ outputs: before }: Compared, { outputs: after }: Compared): number {
  let [difference, size] = [0, 0];
  for (const [name, value] of Object.entries(before)) {
    const other = after[name];
    if (other === undefined || Array.isArray(value.data)) continue;
    const changed = toFloat64(other);
    for (const [i, element] of toFloat64(value).entries()) {
      difference += ((changed[i] ?? NaN) - element) ** 2;
      size += element * element;
    }
  }
  return difference === 0 ? 0 : Math.sqrt(difference / size);
}
