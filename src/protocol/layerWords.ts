import type { LayerKind } from './inspection.js';

/** Activations as people write them; others go by their operator's name. */
const activationWords: Readonly<Record<string, string>> = {
  Relu: 'ReLU',
  Relu6: 'ReLU6',
  LeakyRelu: 'LeakyReLU',
  PRelu: 'PReLU',
  ThresholdedRelu: 'ThresholdedReLU',
  Elu: 'ELU',
  Selu: 'SELU',
  Celu: 'CELU',
  Gelu: 'GELU',
  Silu: 'SiLU',
  HardSwish: 'HardSwish',
};

/** Returns what a layer is in a person's words: `Dense`, `Conv`, `ReLU`; its kind when it is no single operator. */
export function layerWord({
  kind,
  operator,
}: {
  readonly kind: LayerKind;
  readonly operator: string;
}): string {
  // Gemm, MatMul and their fused forms are one thing to whoever wrote the model.
  if (kind === 'dense') return 'Dense';
  if (kind === 'embedding') return 'Embedding';
  if (operator === '') return kind;
  return Object.hasOwn(activationWords, operator) ? (activationWords[operator] ?? operator) : operator;
}
