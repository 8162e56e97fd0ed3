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
 * Returns attention with the residual stream beside it: ½ A + ½ I, lines scaled to sum to 1.
 *
 * Source: Abnar & Zuidema (2020), "Quantifying Attention Flow in Transformers", https://arxiv.org/abs/2005.00928.
 */
export function withResidual(mean: TokenMatrix, tokenCount: number): TokenMatrix {
  const mixed = Float64Array.from(mean);
  for (let i = 0; i < tokenCount; i++) {
    const line = mixed.subarray(i * tokenCount, (i + 1) * tokenCount);
    line[i] = (line[i] ?? 0) + 1;
    const total = line.reduce((sum, share) => sum + share, 0);
    for (const [j, share] of line.entries()) line[j] = share / total;
  }
  return mixed;
}
