import { UserError } from '../../../base/errors.js';
import { float32Tensor } from '../../../onnx/tensorValue.js';
import type { AttentionLayers } from './attentionLayers.js';
import type { TokenMatrix } from '../../shared/attention/tokenMatrix.js';
import type { Attributions, Problem } from './problem.js';

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
