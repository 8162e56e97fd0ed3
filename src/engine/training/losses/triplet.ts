import type { GraphBuilder } from '../../graph/graphBuilder.js';
import { type Loss, seedOf } from '../loss.js';
import { appendMembers, type Embeddings } from './embeddings.js';

/** Triples of anchor, positive (same kind) and negative (another kind). */
export interface TripletSettings {
  readonly embeddings: Embeddings;
  /** By how much the negative has to be farther, in squared distance; default 0.2. */
  readonly margin?: number;
}

/**
 * Returns the triplet loss: the mean of max(0, ‖a − p‖² − ‖a − n‖² + m).
 *
 * Source: Schroff, Kalenichenko & Philbin (2015), "FaceNet", eq. 3, https://arxiv.org/abs/1503.03832
 */
export function triplet({ embeddings, margin = 0.2 }: TripletSettings): Loss {
  return {
    kind: 'triplet',
    targets: [],
    append(builder) {
      const [anchor = '', positive = '', negative = ''] = appendMembers(builder, embeddings, 3);
      const near = appendSquaredDistance(builder, anchor, positive);
      const far = appendSquaredDistance(builder, anchor, negative);
      const shortfall = builder.node('Add', [builder.node('Sub', [near, far]), builder.scalar(margin)]);
      const mean = builder.reduce('ReduceMean', builder.node('Relu', [shortfall]), [0], false);
      return seedOf(builder, mean);
    },
  };
}

function appendSquaredDistance(builder: GraphBuilder, a: string, b: string): string {
  const difference = builder.node('Sub', [a, b]);
  return builder.reduce('ReduceSum', builder.node('Mul', [difference, difference]), [1], false);
}
