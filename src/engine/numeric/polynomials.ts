/** Exponents of the terms of a polynomial, one list for each term; the constant is none of them. */
export type Exponents = readonly (readonly number[])[];

/** Returns how many terms a polynomial of a degree has in so many variables, the constant among them: (n + d choose d). */
export function termCountOf(variableCount: number, degree: number): number {
  let count = 1;
  for (let i = 1; i <= degree; i++) count = (count * (variableCount + i)) / i;
  return Math.round(count);
}

/** Returns all terms of degree 1 … `degree`, lower degrees first, so that a polynomial of lower degree has the first of them. */
export function exponentsUpTo(variableCount: number, degree: number): number[][] {
  const terms: number[][] = [];
  const write = (exponents: number[], from: number, left: number): void => {
    if (left === 0) {
      terms.push([...exponents]);
      return;
    }
    for (let variable = from; variable < variableCount; variable++) {
      exponents[variable]!++;
      write(exponents, variable, left - 1);
      exponents[variable]!--;
    }
  };
  for (let own = 1; own <= degree; own++) write(new Array<number>(variableCount).fill(0), 0, own);
  return terms;
}

/** Writes the terms at a point into `target`. */
export function evaluateTerms(exponents: Exponents, point: ArrayLike<number>, target: Float64Array): void {
  for (let term = 0; term < exponents.length; term++) {
    const own = exponents[term]!;
    let product = 1;
    for (let variable = 0; variable < own.length; variable++) {
      for (let power = own[variable]!; power > 0; power--) product *= point[variable]!;
    }
    target[term] = product;
  }
}

/** A polynomial: a constant and a coefficient for each term. */
export interface Polynomial {
  readonly constant: number;
  readonly coefficients: Float64Array;
}

/**
 * Returns the polynomial in x that one in z = (x − centre) / scale is, multiplied out over the same terms, which must hold every
 * lower one. Costs the sum over terms of Π (exponent + 1).
 */
export function multiplyOut(
  { constant, coefficients }: Polynomial,
  exponents: Exponents,
  { centre, scale }: { readonly centre: ArrayLike<number>; readonly scale: ArrayLike<number> },
): Polynomial {
  const places = new Map(exponents.map((own, term) => [own.join(','), term]));
  const out = new Float64Array(coefficients.length);
  let outConstant = constant;
  for (const [term, own] of exponents.entries()) {
    // Π ((x_i − c_i) / s_i)^{e_i}, one variable after another: exponents of x so far and their factor.
    let parts: { readonly lower: number[]; readonly factor: number }[] = [
      { lower: own.map(() => 0), factor: coefficients[term]! },
    ];
    for (const [variable, exponent] of own.entries()) {
      if (exponent === 0) continue;
      parts = parts.flatMap(({ lower, factor }) =>
        Array.from({ length: exponent + 1 }, (_, kept) => ({
          lower: lower.map((power, i) => (i === variable ? kept : power)),
          factor:
            (factor * choose(exponent, kept) * (-centre[variable]!) ** (exponent - kept)) /
            scale[variable]! ** exponent,
        })),
      );
    }
    for (const { lower, factor } of parts) {
      const place = places.get(lower.join(','));
      if (place === undefined) outConstant += factor;
      else out[place]! += factor;
    }
  }
  return { constant: outConstant, coefficients: out };
}

function choose(n: number, k: number): number {
  let count = 1;
  for (let i = 1; i <= k; i++) count = (count * (n - k + i)) / i;
  return count;
}
