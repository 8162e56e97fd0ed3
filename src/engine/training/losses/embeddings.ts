import type { GraphBuilder } from '../../graph/graphBuilder.js';

/**
 * Where the embeddings of a pair or triple stand: in values [N, D] of their own, or in consecutive rows of one value
 * [k·N, D], as a network that sees one sample at a time gives them.
 */
export type Embeddings = { readonly rows: string } | { readonly values: readonly string[] };

/** Appends the values [N, D] of the members of every pair or triple. */
export function appendMembers(
  builder: GraphBuilder,
  embeddings: Embeddings,
  memberCount: number,
): readonly string[] {
  if ('values' in embeddings) {
    if (embeddings.values.length !== memberCount) {
      throw new Error(`The loss compares ${memberCount} embeddings, not ${embeddings.values.length}.`);
    }
    return embeddings.values;
  }
  const last = builder.node('Shape', [embeddings.rows], { attributes: { start: 1 } });
  const shape = builder.node('Concat', [builder.int64s([-1, memberCount]), last], {
    attributes: { axis: 0 },
  });
  const grouped = builder.node('Reshape', [embeddings.rows, shape]);
  return Array.from({ length: memberCount }, (_, member) => {
    const one = builder.node('Slice', [
      grouped,
      builder.int64s([member]),
      builder.int64s([member + 1]),
      builder.int64s([1]),
    ]);
    return builder.node('Squeeze', [one, builder.int64s([1])]);
  });
}
