import { intervene, type Intervention } from '../../../engine/rewrites/intervene.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import type { AnalysisContext } from '../../analysis.js';
import type { ModelScorer } from '../../shared/modelScore.js';
import type { LayerSigns } from './signCounts.js';

/** Weights of which sign are removed. */
export type RemovedSign = 'negative' | 'positive';

/** Scores of the model without the weights of one sign. */
export interface Removal {
  readonly sign: RemovedSign;
  /** By layer, the weights of this layer alone removed; undefined where they cannot be. */
  readonly byLayer: readonly (number | undefined)[];
  /** All of those layers at once. */
  readonly all: number;
}

/** Why a layer's weights stay, or how they are changed: set to 0 where they act with the sign. */
function interventionOn({ weight }: LayerSigns, sign: RemovedSign): Intervention | string {
  const { view, node, operands } = weight.at;
  if (view.isInBody) return 'it is inside an If, Loop or Scan body or a function';
  const { stored, steps, dims } = weight.operand;
  const last = steps.at(-1);
  const type = 'source' in stored ? stored.elementType : stored.dtype;
  if (operands.scale !== undefined || operands.zeroPoint !== undefined) return 'its operator reads integers';
  if (!dataTypeFacts(type).isFloat && last === undefined) return 'its operator reads integers';
  const actsNegated = weight.layout.factor < 0;
  const keepsPositive = (sign === 'negative') !== actsNegated;
  return {
    value: node.inputs[operands.weight] ?? '',
    rank: dims.length,
    change: keepsPositive ? { kind: 'clamp', low: 0 } : { kind: 'clamp', high: 0 },
  };
}

/** Returns the model without the weights of one sign in some layers; layers where they cannot be removed stay as they are. */
export function withoutSign(model: Model, layers: readonly LayerSigns[], sign: RemovedSign): Model {
  const seen = new Set<string>();
  const interventions = layers.flatMap((layer) => {
    const intervention = interventionOn(layer, sign);
    if (typeof intervention === 'string' || seen.has(intervention.value)) return [];
    seen.add(intervention.value);
    return [intervention];
  });
  return intervene(model, interventions);
}

/** Returns why a layer's weights cannot be removed; undefined where they can. */
export function whyKept(layer: LayerSigns): string | undefined {
  const intervention = interventionOn(layer, 'negative');
  return typeof intervention === 'string' ? intervention : undefined;
}

/** Scores the model without the weights of each sign, one layer at a time and all at once. */
export async function measureRemovals(
  context: AnalysisContext,
  scorer: ModelScorer,
  { layers, signs }: { readonly layers: readonly LayerSigns[]; readonly signs: readonly RemovedSign[] },
): Promise<Removal[]> {
  const total = signs.length * (layers.length + 1);
  let done = 0;
  const scoreOf = async (some: readonly LayerSigns[], sign: RemovedSign): Promise<number> => {
    const score = await scorer.of(withoutSign(context.model, some, sign));
    context.progress({ fractionDone: 0.2 + (0.8 * ++done) / total, message: `Without ${sign} weights` });
    return score;
  };
  const removals: Removal[] = [];
  for (const sign of signs) {
    const byLayer: (number | undefined)[] = [];
    for (const layer of layers) {
      byLayer.push(whyKept(layer) === undefined ? await scoreOf([layer], sign) : undefined);
    }
    removals.push({ sign, byLayer, all: await scoreOf(layers, sign) });
  }
  return removals;
}
