import type { LayerRule } from './layerRule.js';
import type { WeightedLayer } from './weightedLayer.js';

/** What a layer hands to its input a: relevance a·multiplier, and more that does not depend on a's own value. */
export interface InputRelevance {
  readonly multiplier: string;
  readonly extra?: string;
}

/** Shares the relevance R = z·c of a layer out by a rule. */
export function layerRelevance(layer: WeightedLayer, rule: LayerRule): InputRelevance {
  switch (rule.kind) {
    case 'epsilon':
      return { multiplier: layer.back(layer.weight, damped(layer, rule.epsilon)) };
    case 'gamma':
      return { multiplier: byGamma(layer, rule) };
    case 'alpha-beta':
      return { multiplier: byAlphaBeta(layer, rule) };
    case 'box':
      return byBox(layer, rule);
  }
}

/** s = R/(z + ε sign z) = c·|z|/(|z| + ε): nothing is divided by a small number. */
function damped({ emit, value, multiplier }: WeightedLayer, epsilon: number): string {
  if (epsilon === 0) return multiplier;
  const size = emit.node('Abs', [value]);
  return emit.mul(multiplier, emit.div(size, emit.add(size, emit.scalar(epsilon))));
}

/** Sums of what adds to z and what takes away from it, without bias, and the bias per element. */
interface Contributions {
  readonly up: string;
  readonly down: string;
  readonly rising: string;
  readonly falling: string;
  readonly bias: string;
}

function contributions({ emit, weight, input, value, apply }: WeightedLayer): Contributions {
  const zero = emit.scalar(0);
  const [up, down] = [emit.node('Max', [weight, zero]), emit.node('Min', [weight, zero])];
  const [above, below] = [emit.node('Max', [input, zero]), emit.node('Min', [input, zero])];
  return {
    up,
    down,
    rising: emit.add(apply(up, above), apply(down, below)),
    falling: emit.add(apply(down, above), apply(up, below)),
    bias: emit.sub(value, apply(weight, input)),
  };
}

/** relevance/(d + ε·sign d), the sign of 0 being 1. */
function shareOf({ emit, value, multiplier }: WeightedLayer, denominator: string, epsilon: number): string {
  const isNegative = emit.less(denominator, emit.scalar(0));
  const shift = emit.where(isNegative, emit.scalar(-epsilon), emit.scalar(epsilon));
  return emit.div(emit.mul(value, multiplier), emit.add(denominator, shift));
}

/** Picks by the sign of the input: positive ones carry the first weight's share, negative ones the other's. */
function bySign({ emit, input }: WeightedLayer, forPositive: string, forNegative: string): string {
  return emit.where(emit.greater(input, emit.scalar(0)), forPositive, forNegative);
}

/** W + γW⁺ for what adds to a positive z, W + γW⁻ for what takes away from it; the other way round for a negative z. */
function byGamma(layer: WeightedLayer, rule: Extract<LayerRule, { readonly kind: 'gamma' }>): string {
  const { emit, weight, value, back } = layer;
  const { up, down, rising, falling, bias } = contributions(layer);
  const { gamma, epsilon, isBiasStrengthened } = rule;
  const zero = emit.scalar(0);
  const total = (part: string, biasPart: string): string => {
    const strengthened = emit.add(value, emit.scale(part, gamma));
    return isBiasStrengthened ? emit.add(strengthened, emit.scale(biasPart, gamma)) : strengthened;
  };
  const [biasUp, biasDown] = [emit.node('Max', [bias, zero]), emit.node('Min', [bias, zero])];
  const share = (condition: string, denominator: string): string =>
    emit.keepWhere(condition, shareOf(layer, denominator, epsilon));
  const ofPositive = share(emit.greater(value, zero), total(rising, biasUp));
  const ofNegative = share(emit.less(value, zero), total(falling, biasDown));
  const stronger = (part: string): string => emit.add(weight, emit.scale(part, gamma));
  const [more, less] = [stronger(up), stronger(down)];
  return bySign(
    layer,
    emit.add(back(more, ofPositive), back(less, ofNegative)),
    emit.add(back(less, ofPositive), back(more, ofNegative)),
  );
}

/** Sums this small a share of their counterpart are what rounding leaves of a bias that is not there. */
const rounding = 1e-6;

/** α of the relevance by what adds to z, −β = 1 − α of it by what takes away, the bias among them; all by one alone. */
function byAlphaBeta(
  layer: WeightedLayer,
  { alpha, epsilon }: Extract<LayerRule, { readonly kind: 'alpha-beta' }>,
): string {
  const { emit, back } = layer;
  const { up, down, rising, falling, bias } = contributions(layer);
  const zero = emit.scalar(0);
  const positive = emit.add(rising, emit.node('Max', [bias, zero]));
  const ofRising = shareOf(layer, positive, epsilon);
  if (alpha === 1) return bySign(layer, back(up, ofRising), back(down, ofRising));
  const negative = emit.add(falling, emit.node('Min', [bias, zero]));
  const ofFalling = shareOf(layer, negative, epsilon);
  // Where nothing speaks against a unit, or nothing for it, the other side has all there is.
  const hasRising = emit.greater(positive, emit.scale(negative, -rounding));
  const hasFalling = emit.less(negative, emit.scale(positive, -rounding));
  const s = emit.mul(ofRising, emit.where(hasFalling, emit.scalar(alpha), emit.scalar(1)));
  const t = emit.mul(ofFalling, emit.where(hasRising, emit.scalar(alpha - 1), emit.scalar(-1)));
  return bySign(layer, emit.sub(back(up, s), back(down, t)), emit.sub(back(down, s), back(up, t)));
}

/** (x·W − low·W⁺ − high·W⁻) over its sum: what each input lies above the least it could add. The bias gets nothing. */
function byBox(
  layer: WeightedLayer,
  { low, high, epsilon }: Extract<LayerRule, { readonly kind: 'box' }>,
): InputRelevance {
  const { emit, weight, input, apply, back } = layer;
  const zero = emit.scalar(0);
  const bounds = [
    { bound: low, part: emit.node('Max', [weight, zero]) },
    { bound: high, part: emit.node('Min', [weight, zero]) },
  ].filter(({ bound }) => bound !== 0);
  const everywhere = (bound: number): string => emit.expandLike(emit.scalar(bound), input);
  const total = bounds.reduce(
    (sum, { bound, part }) => emit.sub(sum, apply(part, everywhere(bound))),
    apply(weight, input),
  );
  const s = shareOf(layer, total, epsilon);
  const extras = bounds.map(({ bound, part }) => emit.scale(back(part, s), -bound));
  const [first, ...rest] = extras;
  return {
    multiplier: back(weight, s),
    ...(first === undefined ? {} : { extra: rest.reduce((sum, extra) => emit.add(sum, extra), first) }),
  };
}
