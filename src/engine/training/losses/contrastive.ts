import { type Loss, seedOf } from '../loss.js';
import { appendMembers, type Embeddings } from './embeddings.js';

/** Pairs to be drawn together or apart. */
export interface ContrastiveSettings {
  readonly embeddings: Embeddings;
  /** Name of the float32 [N] input that is 1 for pairs of the same kind and 0 for others; default `same`. */
  readonly same?: string;
  /** Distance beyond which different ones are left alone; default 1. */
  readonly margin?: number;
}

/** Keeps the slope of √ finite where two embeddings coincide. */
const distanceFloor = 1e-12;

/**
 * Returns the contrastive loss of pairs at distance d = √(‖a − b‖² + 1e-12): the mean of ½·(s·d² + (1 − s)·max(0, m − d)²).
 *
 * Source: Hadsell, Chopra & LeCun (2006), "Dimensionality Reduction by Learning an Invariant Mapping", eq. 4 (whose Y is 1 − s).
 */
export function contrastive({ embeddings, same: name = 'same', margin = 1 }: ContrastiveSettings): Loss {
  return {
    kind: 'contrastive',
    targets: [{ name, type: { kind: 'tensor', elementType: 'float32', shape: ['pairs'] } }],
    append(builder) {
      const [left = '', right = ''] = appendMembers(builder, embeddings, 2);
      const difference = builder.node('Sub', [left, right]);
      const squared = builder.node('Add', [
        builder.reduce('ReduceSum', builder.node('Mul', [difference, difference]), [1], false),
        builder.scalar(distanceFloor),
      ]);
      const short = builder.node('Relu', [
        builder.node('Sub', [builder.scalar(margin), builder.node('Sqrt', [squared])]),
      ]);
      const other = builder.node('Sub', [builder.scalar(1), name]);
      const together = builder.node('Mul', [name, squared]);
      const apart = builder.node('Mul', [other, builder.node('Mul', [short, short])]);
      const mean = builder.reduce('ReduceMean', builder.node('Add', [together, apart]), [0], false);
      return seedOf(builder, builder.node('Mul', [mean, builder.scalar(0.5)]));
    },
  };
}
