/** A family of curves y(t) = Σ cᵢ · basisᵢ(t; θ): linear in the c, not in the θ. */
export interface CurveFamily {
  /** By the symbols of the parameters, t the time. */
  readonly formula: string;
  /** The curve has no value at t = 0: earlier points are left out. */
  readonly isAfterZero?: boolean;
  /** Returns the basis at times that were divided by the largest; an entry that is not finite rules θ out. */
  basis(times: Float64Array, theta: readonly number[]): Float64Array[];
  /** Points to start from: θ of each. */
  readonly starts: readonly (readonly number[])[];
  readonly thetaCount: number;
  /** Basis functions. */
  readonly linearCount: number;
  /** Parameters whose zero means nothing, by what they lie along: the time, the values, or the logarithm of a factor. */
  readonly places: Readonly<Record<string, 'time' | 'value' | 'logarithm'>>;
  /** Returns the parameters by the symbols of the source, for times in units of `scale`. */
  parameters(linear: ArrayLike<number>, theta: readonly number[], scale: number): Record<string, number>;
}

/** Names of the families, the simplest first. */
export const curveNames = ['linear', 'exponential', 'sigmoid', 'power', 'log-power', 'emergence'] as const;

/** A family's name. */
export type CurveName = (typeof curveNames)[number];

/** Every combination of the choices. */
function product(...choices: readonly (readonly number[])[]): number[][] {
  return choices.reduce<number[][]>(
    (rows, choice) => rows.flatMap((row) => choice.map((value) => [...row, value])),
    [[]],
  );
}

/**
 * A · exp(−λx) · ln x + K with x = γt + t₀.
 *
 * With τ = t₀/γ and μ = λγ this is a · e^(−μt) ln(t + τ) + b · e^(−μt) + K, a = A e^(−μτ), b = a ln γ: linear but for μ and τ,
 * so that a search in two dimensions finds all five.
 *
 * Source: Gallego-Feliciano, McClendon, Morinelli, Zervoudakis & Saravanos (2025), "Hidden Dynamics of Massive Activations in
 * Transformer Training", https://arxiv.org/abs/2508.03616.
 */
const emergence: CurveFamily = {
  formula: 'A · exp(−λx) · ln x + K, x = γt + t₀',
  thetaCount: 2,
  linearCount: 3,
  places: { K: 'value' },
  starts: product([0.05, 0.3, 1, 3, 10, 30], [1e-4, 1e-3, 1e-2, 0.1, 1].map(Math.log)),
  basis(times, [mu = 0, logTau = 0]) {
    const tau = Math.exp(logTau);
    const decay = times.map((t) => Math.exp(-mu * t));
    return [
      decay.map((factor, i) => factor * Math.log((times[i] ?? 0) + tau)),
      decay,
      new Float64Array(times.length).fill(1),
    ];
  },
  parameters(linear, [mu = 0, logTau = 0], scale) {
    const [a = 0, b = 0, k = 0] = Array.from(linear);
    const tau = Math.exp(logTau);
    // ln(γt + t₀) = ln γ + ln(t + τ); with s = t/scale, γ is per unit of s until it is brought back to t.
    const gamma = Math.exp(b / a);
    return { A: a * Math.exp(mu * tau), lambda: mu / gamma, gamma: gamma / scale, t0: tau * gamma, K: k };
  },
};

/** K + s · t: a straight line. */
const linear: CurveFamily = {
  formula: 'K + s · t',
  thetaCount: 0,
  linearCount: 2,
  places: { K: 'value' },
  starts: [[]],
  basis: (times) => [Float64Array.from(times), new Float64Array(times.length).fill(1)],
  parameters: (coefficients, _theta, scale) => ({
    s: (coefficients[0] ?? NaN) / scale,
    K: coefficients[1] ?? NaN,
  }),
};

/** K + A · exp(−t/τ): what is left of a start dies away. */
const exponential: CurveFamily = {
  formula: 'K + A · exp(−t / τ)',
  thetaCount: 1,
  linearCount: 2,
  places: { K: 'value' },
  starts: product([0.02, 0.1, 0.3, 1, 3].map(Math.log)),
  basis: (times, [logTau = 0]) => [
    times.map((t) => Math.exp(-t / Math.exp(logTau))),
    new Float64Array(times.length).fill(1),
  ],
  parameters: (coefficients, [logTau = 0], scale) => ({
    ...{ A: coefficients[0] ?? NaN, tau: Math.exp(logTau) * scale },
    K: coefficients[1] ?? NaN,
  }),
};

/** L / (1 + exp(−(t − m)/w)) + K: a step at m, w wide. */
const sigmoid: CurveFamily = {
  formula: 'K + L / (1 + exp(−(t − m) / w))',
  thetaCount: 2,
  linearCount: 2,
  places: { K: 'value', m: 'time' },
  starts: product([0.05, 0.2, 0.4, 0.6, 0.8], [0.01, 0.05, 0.2].map(Math.log)),
  basis: (times, [middle = 0, logWidth = 0]) => [
    times.map((t) => 1 / (1 + Math.exp(-(t - middle) / Math.exp(logWidth)))),
    new Float64Array(times.length).fill(1),
  ],
  parameters: (linear, [middle = 0, logWidth = 0], scale) => ({
    ...{ L: linear[0] ?? NaN, K: linear[1] ?? NaN },
    ...{ m: middle * scale, w: Math.exp(logWidth) * scale },
  }),
};

/**
 * R₀ − c / t^α: a convergent power law, as activation ratios of SiLU models follow the tokens that they were trained on.
 *
 * Source: Luo et al. (2024), "Sparsing Law: Towards Large Language Models with Greater Activation Sparsity",
 * https://arxiv.org/abs/2411.02335.
 */
const power: CurveFamily = {
  formula: 'R₀ − c / t^α',
  isAfterZero: true,
  thetaCount: 1,
  linearCount: 2,
  places: { R0: 'value' },
  starts: product([0.05, 0.2, 0.5, 1, 2].map(Math.log)),
  basis: (times, [logAlpha = 0]) => [
    times.map((t) => -(t ** -Math.exp(logAlpha))),
    new Float64Array(times.length).fill(1),
  ],
  parameters: (linear, [logAlpha = 0], scale) => {
    const alpha = Math.exp(logAlpha);
    return { c: (linear[0] ?? NaN) * scale ** alpha, alpha, R0: linear[1] ?? NaN };
  },
};

/** R₀ + exp(b − c · t^α), as activation ratios of ReLU models; source as of the power law. */
const logPower: CurveFamily = {
  formula: 'R₀ + exp(b − c · t^α)',
  thetaCount: 2,
  linearCount: 2,
  places: { R0: 'value', b: 'logarithm' },
  starts: product([0.3, 1, 3, 10].map(Math.log), [0.2, 0.5, 1, 2].map(Math.log)),
  basis: (times, [logC = 0, logAlpha = 0]) => [
    times.map((t) => Math.exp(-Math.exp(logC) * t ** Math.exp(logAlpha))),
    new Float64Array(times.length).fill(1),
  ],
  parameters: (linear, [logC = 0, logAlpha = 0], scale) => {
    const alpha = Math.exp(logAlpha);
    return {
      ...{ b: Math.log(linear[0] ?? NaN), c: Math.exp(logC) / scale ** alpha },
      ...{ alpha, R0: linear[1] ?? NaN },
    };
  },
};

/** The families by name. */
export const curveFamilies: Readonly<Record<CurveName, CurveFamily>> = {
  linear,
  exponential,
  sigmoid,
  power,
  'log-power': logPower,
  emergence,
};
