/** How the activity of a unit is told from its output, by family of activation. */
export type ActivationFamily =
  /** ReLU-like: active where > 0. `isNonNegative`: no output is below 0. */
  | { readonly kind: 'rectifier'; readonly isNonNegative: boolean }
  /** GELU, SiLU, Softplus, Mish, HardSwish: active where |a| > ε × RMS of the layer. */
  | { readonly kind: 'smooth-rectifier' }
  /** ELU, SELU, CELU: saturate at `low` (−α, −αλ). */
  | { readonly kind: 'exponential'; readonly low: number }
  /** Sigmoid, Tanh, HardSigmoid, Softsign: saturate at both bounds. */
  | { readonly kind: 'bounded'; readonly low: number; readonly high: number }
  /** LeakyRelu, PRelu. */
  | { readonly kind: 'leaky' };
