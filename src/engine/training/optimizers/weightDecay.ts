import type { GraphBuilder } from '../../graph/graphBuilder.js';
import type { UpdateOperands } from '../optimizer.js';

/** Appends g + λθ, the gradient of the loss with a penalty ½λ‖θ‖²; g itself where nothing decays. */
export function appendDecayToGradient(
  builder: GraphBuilder,
  { gradient, parameter, decays }: UpdateOperands,
  weightDecay: number,
): string {
  if (!decays || weightDecay === 0) return gradient;
  return builder.node('Add', [gradient, builder.node('Mul', [parameter, builder.scalar(weightDecay)])]);
}

/** Appends θ − lr·λ·θ, decay apart from the gradient; θ itself where nothing decays. */
export function appendDecoupledDecay(
  builder: GraphBuilder,
  { parameter, learningRate, decays }: UpdateOperands,
  weightDecay: number,
): string {
  if (!decays || weightDecay === 0) return parameter;
  const share = builder.node('Mul', [learningRate, builder.scalar(weightDecay)]);
  return builder.node('Sub', [parameter, builder.node('Mul', [parameter, share])]);
}
