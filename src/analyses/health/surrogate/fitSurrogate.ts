import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { addOuter } from '../../../engine/numeric/cholesky.js';
import {
  evaluateTerms,
  type Exponents,
  exponentsUpTo,
  multiplyOut,
  type Polynomial,
  termCountOf,
} from '../../../engine/numeric/polynomials.js';
import { fitRidge, type ProductSums, withoutRows } from '../../../engine/numeric/ridge.js';
import { argmax } from '../../../engine/numeric/vectors.js';
import type { AnalysisContext } from '../../analysis.js';
import type { SurrogateFeatures } from './chooseFeatures.js';

/** How well polynomials of one degree do. */
export interface DegreeFit {
  readonly degree: number;
  /** The constant counted. */
  readonly termCount: number;
  /** 1 − Σ (y − ŷ)² / Σ (y − ȳ)² of rows that were left out of the fit, over all outputs; NaN where none varies. */
  readonly crossValidated: number;
  /** The same for each output. */
  readonly byOutput: Float64Array;
  /** Lowest and highest of the folds. */
  readonly lowest: number;
  readonly highest: number;
  /** On the rows it was fitted to. */
  readonly fitted: number;
  /** Share of left-out rows whose largest output is the model’s. */
  readonly agreement: number;
  /** Of all rows, in standardised features. */
  readonly polynomials: readonly Polynomial[];
  /** The same in the features as they are. */
  readonly raw: readonly Polynomial[];
  /** Deviation of each term over the rows. */
  readonly termDeviations: Float64Array;
}

/** What is fitted. */
export interface SurrogateProblem {
  readonly features: SurrogateFeatures;
  readonly outputs: readonly Float64Array[];
  /** Degrees within the limits, from 1. */
  readonly degrees: readonly number[];
  readonly ridge: number;
  readonly foldCount: number;
}

/** Rows added between two looks at the clock: a few milliseconds’ work. */
const rowsAtOnce = 16;

/**
 * Returns the fits by degree, each cross-validated over folds drawn with the seed, and the exponents of the terms.
 *
 * Products of terms are summed once, fold by fold: the fit without a fold is that of the sums without its own, and a lower
 * degree has the first of the terms. Costs rows × terms² and folds × terms³.
 */
export async function fitSurrogate(
  context: AnalysisContext,
  problem: SurrogateProblem,
): Promise<{ readonly exponents: Exponents; readonly fits: readonly DegreeFit[] }> {
  const { features, degrees, outputs } = problem;
  const exponents = exponentsUpTo(features.rows[0]?.length ?? 0, Math.max(...degrees));
  const terms = features.rows.map((row) => {
    const standard = row.map(
      (value, i) => (value - (features.centre[i] ?? NaN)) / (features.scale[i] ?? NaN),
    );
    const own = new Float64Array(exponents.length);
    evaluateTerms(exponents, standard, own);
    return own;
  });
  const folds = foldsOf(context, problem);
  // Sums of squares about a far-off zero would lose the digits of what varies.
  const means = meansOf(outputs);
  const centred = outputs.map((row) => row.map((value, i) => value - (means[i] ?? NaN)));
  const sums = await sumFolds(context, { terms, outputs: centred, folds });
  const all = sums.reduce((a, b) => ({
    size: a.size,
    sums: a.sums.map((sum, i) => sum + (b.sums[i] ?? NaN)),
  }));
  const fits: DegreeFit[] = [];
  for (const degree of degrees) {
    const fit = { ...problem, terms, folds, degree, exponents, means };
    fits.push(await fitDegree(context, fit, { sums, all }));
    context.progress({
      fractionDone: 0.8 + (0.2 * fits.length) / degrees.length,
      message: `Fitted degree ${degree}`,
    });
  }
  return { exponents, fits };
}

/** Rows of each fold. */
function foldsOf({ random }: AnalysisContext, { outputs, foldCount }: SurrogateProblem): number[][] {
  const folds = Array.from({ length: foldCount }, (): number[] => []);
  for (const [place, row] of random.permutation(outputs.length).entries()) {
    folds[place % foldCount]?.push(row);
  }
  return folds;
}

interface Summed {
  readonly terms: readonly Float64Array[];
  readonly outputs: readonly Float64Array[];
  readonly folds: readonly (readonly number[])[];
}

async function sumFolds(context: AnalysisContext, { terms, outputs, folds }: Summed): Promise<ProductSums[]> {
  const size = 1 + (terms[0]?.length ?? 0) + (outputs[0]?.length ?? 0);
  const whole = new Float64Array(size);
  const sums: ProductSums[] = [];
  for (const fold of folds) {
    const own = { size, sums: new Float64Array(size * size) };
    for (const [place, row] of fold.entries()) {
      whole[0] = 1;
      whole.set(terms[row] ?? [], 1);
      whole.set(outputs[row] ?? [], 1 + (terms[row]?.length ?? 0));
      addOuter(own.sums, whole, 1);
      if (place % rowsAtOnce !== 0) continue;
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
    sums.push(own);
  }
  return sums;
}

interface Fitted extends Summed, SurrogateProblem {
  readonly degree: number;
  readonly exponents: Exponents;
  /** Of the outputs: what is summed is without them. */
  readonly means: Float64Array;
}

async function fitDegree(
  context: AnalysisContext,
  fitted: Fitted,
  { sums, all }: { readonly sums: readonly ProductSums[]; readonly all: ProductSums },
): Promise<DegreeFit> {
  const { degree, features, outputs, folds, ridge, exponents, terms } = fitted;
  const termCount = termCountOf(features.names.length, degree) - 1;
  const targetCount = outputs[0]?.length ?? 0;
  const fit = (rows: ProductSums): Polynomial[] =>
    fitRidge(rows, { termCount, targetCount, ridge }).map(({ constant, coefficients }, i) => ({
      constant: constant + (fitted.means[i] ?? NaN),
      coefficients,
    }));
  const left = new Errors(outputs);
  const foldScores: number[] = [];
  for (const [index, fold] of folds.entries()) {
    const part = sums[index];
    if (part === undefined) continue;
    const polynomials = fit(withoutRows(all, part));
    const own = new Errors(outputs);
    for (const row of fold) {
      const predicted = predict(polynomials, terms[row]);
      own.add(row, predicted);
      left.add(row, predicted);
    }
    foldScores.push(own.share());
    await yieldToEventLoop();
    throwIfAborted(context.signal);
  }
  const polynomials = fit(all);
  const within = new Errors(outputs);
  for (const row of outputs.keys()) within.add(row, predict(polynomials, terms[row]));
  return {
    ...{ degree, termCount: termCount + 1, polynomials },
    ...{ crossValidated: left.share(), byOutput: left.byOutput(), agreement: left.agreement() },
    ...{ lowest: Math.min(...foldScores), highest: Math.max(...foldScores), fitted: within.share() },
    raw: polynomials.map((polynomial) => multiplyOut(polynomial, exponents.slice(0, termCount), features)),
    termDeviations: deviationsOf(all, termCount, outputs.length),
  };
}

function deviationsOf({ size, sums }: ProductSums, termCount: number, rowCount: number): Float64Array {
  return Float64Array.from({ length: termCount }, (_, term) => {
    const mean = (sums[(term + 1) * size] ?? NaN) / rowCount;
    return Math.sqrt(Math.max(0, (sums[(term + 1) * (size + 1)] ?? NaN) / rowCount - mean ** 2));
  });
}

function predict(polynomials: readonly Polynomial[], terms: Float64Array | undefined): Float64Array {
  return Float64Array.from(polynomials, ({ constant, coefficients }) =>
    coefficients.reduce((sum, coefficient, term) => sum + coefficient * (terms?.[term] ?? NaN), constant),
  );
}

function meansOf(rows: readonly Float64Array[]): Float64Array {
  const width = rows[0]?.length ?? 0;
  return Float64Array.from(
    { length: width },
    (_, i) => rows.reduce((sum, row) => sum + (row[i] ?? NaN), 0) / rows.length,
  );
}

/** Squared errors against the spread about the mean of all rows. */
class Errors {
  private readonly means: Float64Array;
  private readonly errors: Float64Array;
  private readonly spreads: Float64Array;
  private rowCount = 0;
  private agreeing = 0;

  constructor(private readonly outputs: readonly Float64Array[]) {
    const width = outputs[0]?.length ?? 0;
    this.means = meansOf(outputs);
    this.errors = new Float64Array(width);
    this.spreads = new Float64Array(width);
  }

  add(row: number, predicted: Float64Array): void {
    const own = this.outputs[row] ?? new Float64Array();
    this.rowCount++;
    if (argmax(own) === argmax(predicted)) this.agreeing++;
    for (const [i, value] of own.entries()) {
      this.errors[i] = (this.errors[i] ?? 0) + (value - (predicted[i] ?? NaN)) ** 2;
      this.spreads[i] = (this.spreads[i] ?? 0) + (value - (this.means[i] ?? NaN)) ** 2;
    }
  }

  share(): number {
    const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
    return 1 - total(this.errors) / total(this.spreads);
  }

  byOutput(): Float64Array {
    return this.errors.map((error, i) => 1 - error / (this.spreads[i] ?? NaN));
  }

  agreement(): number {
    return this.agreeing / this.rowCount;
  }
}
