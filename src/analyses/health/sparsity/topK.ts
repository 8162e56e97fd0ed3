import type { Intervention } from '../../../engine/rewrites/intervene.js';
import type { AnalysisContext } from '../../analysis.js';
import { createModelScorer, type ModelScorer } from '../../shared/modelScore.js';
import type { SweepTarget } from '../../shared/targetTap.js';

/** Which layers keep only their largest entries: all at once, each alone as well, or none. */
export type TopKScope = 'none' | 'all' | 'each';

/** The score of a model that keeps only the largest entries of some layers. */
export interface TopKPoint {
  /** The layer that is cut; undefined for all of them. */
  readonly layer: string | undefined;
  /** Share of each layer's units that is kept; 1 is the untouched model. */
  readonly share: number;
  /** Units kept: of the layer, or the mean over layers. */
  readonly k: number;
  readonly score: number;
}

/** The curve of top-k thresholding. */
export interface TopKCurve {
  readonly scoreName: ModelScorer['name'];
  readonly sampleCount: number;
  /** Of the model as it is. */
  readonly untouched: number;
  readonly points: readonly TopKPoint[];
}

/** Shares of the units that are tried. */
const shares = [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1] as const;

/** Returns how many scores `measureTopK` takes. */
export function topKScoreCount(scope: TopKScope, layerCount: number): number {
  if (scope === 'none') return 0;
  return 1 + shares.length * (scope === 'each' ? 1 + layerCount : 1);
}

/**
 * Scores the model with only the k largest |a| of each position kept, k a share of the units; all layers at once and, for
 * `each`, one at a time. Returns a reason, to stand behind "not measured: ", where there is no score.
 */
export async function measureTopK(
  context: AnalysisContext,
  targets: readonly SweepTarget[],
  { scope, limit }: { readonly scope: TopKScope; readonly limit: number },
): Promise<TopKCurve | string> {
  if (scope === 'none') return 'topK is none';
  const scorer = await createModelScorer(context, limit);
  if (typeof scorer === 'string') return scorer;
  const total = topKScoreCount(scope, targets.length);
  let done = 0;
  const untouched = await scorer.of(context.model);
  const points: TopKPoint[] = [];
  const sets: { readonly layer: string | undefined; readonly cut: readonly SweepTarget[] }[] = [
    { layer: undefined, cut: targets },
    ...(scope === 'each' ? targets.map((one) => ({ layer: one.layer, cut: [one] })) : []),
  ];
  for (const { layer, cut } of sets) {
    const variants = shares.map((share) => cut.map((target) => keepLargest(target, share)));
    const scores = await scorer.ofVariants(variants);
    for (const [index, share] of shares.entries()) {
      const kept = cut.map((target) => keptCount(target, share));
      const k = kept.reduce((sum, own) => sum + own, 0) / kept.length;
      points.push({ layer, share, k, score: scores[index] ?? NaN });
    }
    done += shares.length;
    context.progress({ fractionDone: (1 + done) / total, message: 'Keeping the largest entries' });
  }
  return { scoreName: scorer.name, sampleCount: scorer.sampleCount, untouched, points };
}

function keptCount({ unitCount }: SweepTarget, share: number): number {
  return Math.max(1, Math.round(share * unitCount));
}

function keepLargest(target: SweepTarget, share: number): Intervention {
  const { leaving: value, rank, unitAxis: axis } = target;
  const k = keptCount(target, share);
  return { value, rank, change: { kind: 'keep-top-k', k, axis, by: 'magnitude' } };
}
