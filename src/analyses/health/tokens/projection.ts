import { createTopK, insert } from '../../../engine/numeric/topK.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { AnalysisContext } from '../../analysis.js';
import type { Head } from '../../shared/language/head.js';
import { vocabularyEffects, vocabularyGraph } from '../../shared/language/vocabularyEffects.js';
import type { Detector } from './detect.js';
import { tokensOf } from './ngrams.js';

/** What an active neuron does to the scores of the vocabulary. */
export interface Projection {
  /** Tokens whose scores it raises most, largest first. */
  readonly promoted: readonly number[];
  /** Tokens whose scores it lowers most, lowest first. */
  readonly suppressed: readonly number[];
  /** What it does to the tokens that it fires on, in standard deviations of its effects from their mean over the vocabulary. */
  readonly ownEffect: number;
}

/** Tokens named on each side. */
const namedCount = 5;

/**
 * Returns what each detector writes, as it is read by the vocabulary: its row of the down projection, taken through the final
 * normalisation's mean and gain and the unembedding, times the sign that its activations mostly have. Effects of the layers in
 * between are left out. Detectors of layers whose weights rows cannot be put into are missing.
 */
export async function projectionsOf(
  context: AnalysisContext,
  { table, head }: { readonly table: LayerTable; readonly head: Head },
  detectors: readonly Detector[],
): Promise<ReadonlyMap<Detector, Projection>> {
  const projections = new Map<Detector, Projection>();
  for (const site of new Set(detectors.map((detector) => detector.site))) {
    const through = table.byName.get(site.mlp.downProjection);
    if (through === undefined) continue;
    const graph = vocabularyGraph(context.model, { table, head, through, width: site.target.unitCount });
    if (graph === undefined) continue;
    const own = detectors.filter((detector) => detector.site === site);
    const units = own.map(({ unit }) => unit);
    for await (const { at, effects } of vocabularyEffects(context, graph, units)) {
      const detector = own[at];
      if (detector !== undefined) projections.set(detector, projectionOf(detector, effects));
    }
  }
  return projections;
}

function projectionOf({ activeCount, positiveCount, cover }: Detector, effects: Float64Array): Projection {
  const sign = 2 * positiveCount >= activeCount ? 1 : -1;
  const signed = effects.map((effect) => sign * effect);
  const mean = signed.reduce((sum, effect) => sum + effect, 0) / signed.length;
  const variance = signed.reduce((sum, effect) => sum + (effect - mean) ** 2, 0) / signed.length;
  const top = createTopK(2, namedCount);
  for (const [id, effect] of signed.entries()) {
    insert(top, 0, effect, id);
    insert(top, 1, -effect, id);
  }
  const own = cover.ngrams.reduce((sum, { ngram, count }) => {
    return sum + count * (signed[tokensOf(ngram).at(-1) ?? -1] ?? NaN);
  }, 0);
  const named = (unit: number): number[] =>
    [...top.ids.subarray(unit * namedCount, (unit + 1) * namedCount)].filter((id) => id >= 0);
  return {
    promoted: named(0),
    suppressed: named(1),
    ownEffect: variance === 0 ? 0 : (own / cover.count - mean) / Math.sqrt(variance),
  };
}
