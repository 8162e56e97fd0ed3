import { UserError } from '../../../base/errors.js';
import { float32Tensor } from '../../../onnx/tensorValue.js';
import type { AttentionLayers } from './attentionLayers.js';
import type { Attributions, Problem } from './problem.js';

/** Row-major T × T: how much each token (row) took from each input token (column). */
export type TokenMatrix = Float64Array;

/** Returns the identity. */
export function identityMatrix(tokenCount: number): TokenMatrix {
  const matrix = new Float64Array(tokenCount * tokenCount);
  for (let i = 0; i < tokenCount; i++) matrix[i * tokenCount + i] = 1;
  return matrix;
}

/** Returns a · b; cubic in the number of tokens. */
export function matrixProduct(a: TokenMatrix, b: TokenMatrix, tokenCount: number): TokenMatrix {
  const product = new Float64Array(tokenCount * tokenCount);
  for (let i = 0; i < tokenCount; i++) {
    for (let k = 0; k < tokenCount; k++) {
      const factor = a[i * tokenCount + k] ?? 0;
      if (factor === 0) continue;
      for (let j = 0; j < tokenCount; j++) {
        const at = i * tokenCount + j;
        product[at] = (product[at] ?? 0) + factor * (b[k * tokenCount + j] ?? 0);
      }
    }
  }
  return product;
}

/** Returns the mean over heads of numbers made from probabilities and their gradients. */
export function meanOverHeads(
  tokenCount: number,
  elements: { readonly attention: ArrayLike<number>; readonly gradient: ArrayLike<number> },
  of: (attention: number, gradient: number) => number,
): TokenMatrix {
  const size = tokenCount * tokenCount;
  const headCount = elements.attention.length / size;
  const mean = new Float64Array(size);
  for (let i = 0; i < elements.attention.length; i++) {
    const value = of(elements.attention[i] ?? 0, elements.gradient[i] ?? 0);
    mean[i % size] = (mean[i % size] ?? 0) + value / headCount;
  }
  return mean;
}

/**
 * Returns a score per token from the matrix of each row: the line of the token that is asked for, else of the explained
 * position, else the mean over all lines.
 *
 * @throws UserError `wrong-query` when the token is outside the sequence.
 */
export function tokenAttributions(
  problem: Problem,
  { tokenCount, layers }: AttentionLayers,
  matrices: readonly TokenMatrix[],
): Attributions {
  const { inputs, rows } = problem;
  const [input] = inputs;
  const data = new Float64Array(rows.count * tokenCount);
  const all = new Float32Array(rows.count * tokenCount * tokenCount);
  let where = '';
  for (const [row, matrix] of matrices.entries()) {
    const query = queryOf(problem, row, tokenCount);
    where = query === undefined ? 'the mean over all tokens' : `token ${String(query)}`;
    for (let i = 0; i < matrix.length; i++) {
      const line = Math.floor(i / tokenCount);
      const share = query === undefined ? 1 / tokenCount : line === query ? 1 : 0;
      const at = row * tokenCount + (i % tokenCount);
      data[at] = (data[at] ?? 0) + share * (matrix[i] ?? 0);
    }
    all.set(matrix, row * tokenCount * tokenCount);
  }
  const isPerToken = input?.dims.length === 2 && input.dims[0] === tokenCount;
  return {
    scores: [{ name: isPerToken ? input.name : 'tokens', dims: [rows.count, tokenCount, 1], data }],
    isComplete: false,
    arrays: {
      tokenRelevance: {
        value: float32Tensor(all, [rows.count, tokenCount, tokenCount]),
        evidence: { kind: 'measured', n: rows.count },
      },
    },
    notes: [
      `${String(layers.length)} attention layers of ${String(tokenCount)} tokens; shown is what reaches ${where}.`,
    ],
  };
}

function queryOf({ settings, selection }: Problem, row: number, tokenCount: number): number | undefined {
  const { query } = settings;
  if (query !== null) {
    const token = query < 0 ? query + tokenCount : query;
    if (token >= 0 && token < tokenCount) return token;
    throw new UserError(
      'wrong-query',
      `query=${String(query)} is outside the ${String(tokenCount)} tokens of the sequence. Give a number from ${String(-tokenCount)} to ${String(tokenCount - 1)}.`,
    );
  }
  if (selection.kind !== 'element') return undefined;
  // [N, T, C]: the explained element has a token of its own.
  const index = selection.indices[row] ?? [];
  const [token] = index;
  return index.length === 2 && token !== undefined && token < tokenCount ? token : undefined;
}
