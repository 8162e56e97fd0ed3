import {
  identityMatrix,
  matrixProduct,
  meanOverHeads,
  type TokenMatrix,
  withResidual,
} from '../../shared/attention/tokenMatrix.js';
import { attentionFlow } from './flow.js';
import type { AttentionFigures, SiteFigures } from './measure.js';

/** Maximum flows take more than the cube of the tokens: 64 of them took half a minute a row, so that longer sequences have none. */
const maxFlowTokens = 24;

/** Attention followed through all layers of one row. */
export interface FollowedRow {
  readonly rowId: string;
  readonly tokenCount: number;
  /** The token that is asked about: the last one that is not padding. */
  readonly query: number;
  /** `[T, T]`, lines sum to 1. */
  readonly rollout: TokenMatrix;
  /** From each token to `query`; undefined for long sequences. */
  readonly flow: Float64Array | undefined;
}

/** Returns the layers that can be followed: self-attention over as many tokens as the last of them. */
export function followedSites(figures: AttentionFigures): SiteFigures[] {
  const square = figures.sites.filter(
    ({ site, queryCount, keyCount }) =>
      site.kind === 'attention' && site.relation === 'self' && queryCount === keyCount && keyCount > 1,
  );
  const tokens = square.at(-1)?.keyCount;
  return square.filter(({ keyCount }) => keyCount === tokens);
}

/** Returns rollout and flow of the rows that are shown, none where no layer attends to its own sequence. */
export function followAttention(figures: AttentionFigures): FollowedRow[] {
  const sites = followedSites(figures);
  return figures.shown.flatMap(({ id, isMasked }, row) => {
    const maps = sites.flatMap(({ maps: kept }) => kept[row] ?? []);
    const tokenCount = maps[0]?.keyCount ?? 0;
    if (tokenCount === 0 || maps.some((map) => map.keyCount !== tokenCount)) return [];
    const layers = maps.map(({ weights }) =>
      withResidual(
        meanOverHeads(tokenCount, { attention: weights, gradient: [] }, (weight) => weight),
        tokenCount,
      ),
    );
    const rollout = layers.reduce(
      (product, layer) => matrixProduct(layer, product, tokenCount),
      identityMatrix(tokenCount),
    );
    const places = Array.from({ length: tokenCount }, (_, token) => token);
    const query = places.findLast((token) => !isMasked(token)) ?? tokenCount - 1;
    const flow = tokenCount > maxFlowTokens ? undefined : attentionFlow(layers, tokenCount, query);
    return [{ rowId: id, tokenCount, query, rollout, flow }];
  });
}
