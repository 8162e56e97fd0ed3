import type { GraphBuilder } from '../graph/graphBuilder.js';

/** Settings of Adam; the defaults are those of its paper. */
export interface AdamSettings {
  readonly learningRate: number;
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
}

/** Names of one parameter's values in a training step. */
export interface AdamNames {
  readonly parameter: string;
  readonly gradient: string;
  /** First moment m, shaped like the parameter. */
  readonly first: string;
  /** Second moment v. */
  readonly second: string;
}

/** Names of the scalars every update shares: lr, 1/(1 − β₁ᵗ), 1/(1 − β₂ᵗ). They are fed, as t changes. */
export interface AdamScalars {
  readonly learningRate: string;
  readonly firstCorrection: string;
  readonly secondCorrection: string;
}

/** Names of the values after the update. */
export interface AdamOutputs {
  readonly parameter: string;
  readonly first: string;
  readonly second: string;
}

/** Returns the settings with their defaults. */
export function adamDefaults(settings: AdamSettings): Required<AdamSettings> {
  return { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, ...settings };
}

/**
 * Appends Adam's update of one parameter.
 *
 * m′ = β₁m + (1−β₁)g, v′ = β₂v + (1−β₂)g², θ′ = θ − lr · m̂ / (√v̂ + ε) with m̂ = m′/(1−β₁ᵗ), v̂ = v′/(1−β₂ᵗ).
 * Source: Kingma & Ba (2015), "Adam: A Method for Stochastic Optimization", algorithm 1, https://arxiv.org/abs/1412.6980
 */
export function appendAdam(
  builder: GraphBuilder,
  names: AdamNames,
  scalars: AdamScalars,
  settings: Required<AdamSettings>,
): AdamOutputs {
  const first = decayed(builder, names.first, names.gradient, settings.beta1);
  const squared = builder.node('Mul', [names.gradient, names.gradient]);
  const second = decayed(builder, names.second, squared, settings.beta2);
  const corrected = builder.node('Mul', [first, scalars.firstCorrection]);
  const root = builder.node('Sqrt', [builder.node('Mul', [second, scalars.secondCorrection])]);
  const denominator = builder.node('Add', [root, builder.scalar(settings.epsilon)]);
  const direction = builder.node('Div', [corrected, denominator]);
  const step = builder.node('Mul', [direction, scalars.learningRate]);
  return { parameter: builder.node('Sub', [names.parameter, step]), first, second };
}

/** Appends β·old + (1 − β)·update. */
function decayed(builder: GraphBuilder, old: string, update: string, beta: number): string {
  const kept = builder.node('Mul', [old, builder.scalar(beta)]);
  const added = builder.node('Mul', [update, builder.scalar(1 - beta)]);
  return builder.node('Add', [kept, added]);
}
