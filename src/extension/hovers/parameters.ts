import type { ResolvedAddress } from '../../onnx/addresses.js';

/** An array of a layer, as indices see it. */
export interface Parameter {
  /** Axes; null when not known. */
  readonly rank: number | null;
  /** Axis that counts the layer's units, negative from the end; null when none does. */
  readonly axis: number | null;
}

/**
 * Returns a layer's parameter by the name that frameworks give it; undefined for other names.
 *
 * PyTorch keeps output units first in `weight`, but for transposed convolutions (second) and embeddings (last); `kernel` of
 * Keras and Flax has them last.
 */
export function parameterOf(name: string, { layer }: ResolvedAddress): Parameter | undefined {
  if (layer === undefined) return undefined;
  const { kind, operator, shape } = layer;
  // Weights of recurrent layers hold four gates or three for each unit.
  const hasUnits = kind === 'conv' || kind === 'dense' || kind === 'embedding' || kind === 'normalization';
  const rank = kind === 'conv' ? (shape?.length ?? null) : kind === 'normalization' ? 1 : 2;
  switch (name) {
    case 'weight':
      if (!hasUnits) return { rank: null, axis: null };
      return { rank, axis: operator.startsWith('ConvTranspose') || kind === 'embedding' ? 1 : 0 };
    case 'kernel':
      return { rank, axis: hasUnits ? -1 : null };
    case 'embeddings':
      return { rank: 2, axis: -1 };
    case 'bias':
    case 'gamma':
    case 'beta':
    case 'running_mean':
    case 'running_var':
      return { rank: 1, axis: hasUnits ? 0 : null };
    default:
      return undefined;
  }
}
