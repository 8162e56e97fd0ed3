import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import { leadingDirections } from '../../../engine/numeric/leadingDirections.js';
import { termCountOf } from '../../../engine/numeric/polynomials.js';
import type { AnalysisContext } from '../../analysis.js';
import type { Pairs } from './readPairs.js';

/** What the polynomial is one of. */
export interface SurrogateFeatures {
  readonly names: readonly string[];
  /** `[k]` for each row. */
  readonly rows: readonly Float64Array[];
  /** Mean and deviation over the rows, `[k]`: terms are made of (feature − centre) / scale. */
  readonly centre: Float64Array;
  readonly scale: Float64Array;
  /** Whether they are leading directions of the inputs, not elements of them. */
  readonly isReduced: boolean;
  /** Share of the variance of the inputs that they hold. */
  readonly keptVariance: number;
  /** Elements of the inputs that are the same in all rows. */
  readonly constantCount: number;
}

/** What bounds the number of terms. */
export interface TermLimits {
  readonly degree: number;
  readonly termLimit: number;
  /** Rows that a polynomial is fitted to. */
  readonly trainingCount: number;
  /** Features, where they were asked for. */
  readonly featureCount: number | null;
}

/** Returns why a polynomial has too many terms; undefined where it has not: a limit, and two rows for each term. */
export function tooManyTerms(
  featureCount: number,
  degree: number,
  { termLimit, trainingCount }: Pick<TermLimits, 'termLimit' | 'trainingCount'>,
): string | undefined {
  const count = termCountOf(featureCount, degree);
  if (count > termLimit) {
    return `${count.toLocaleString('en')} terms are more than the limit of ${termLimit.toLocaleString('en')}`;
  }
  if (2 * count > trainingCount) {
    return `${count.toLocaleString('en')} terms need ${(2 * count).toLocaleString('en')} rows to be fitted to`;
  }
  return undefined;
}

/**
 * Returns the features: the elements of the inputs where a polynomial of degree 2 in them is within the limits, else so many
 * leading directions of the inputs as leave the wanted degree within them.
 *
 * @throws UserError when not even a line in one of them, or in as many as were asked for, is.
 */
export async function chooseFeatures(
  context: AnalysisContext,
  pairs: Pairs,
  limits: TermLimits,
): Promise<SurrogateFeatures> {
  const all = momentsOf(pairs.inputs);
  const varying = [...all.scale.keys()].filter((i) => (all.scale[i] ?? 0) > 0);
  if (varying.length === 0) throw nothingVaries();
  const count = featureCountOf(varying.length, limits);
  const constantCount = all.scale.length - varying.length;
  const pick = (row: Float64Array): Float64Array => Float64Array.from(varying, (i) => row[i] ?? NaN);
  if (count === varying.length && pairs.pooledFrom === undefined) {
    const names = varying.map((i) => pairs.names[i] ?? '');
    return {
      ...{ names, rows: pairs.inputs.map(pick), isReduced: false, keptVariance: 1, constantCount },
      ...{ centre: pick(all.centre), scale: pick(all.scale) },
    };
  }
  const centred = pairs.inputs.map((row) => pick(row.map((element, i) => element - (all.centre[i] ?? NaN))));
  const directions = await leadingDirections(centred, {
    ...{ count, random: context.random },
    pause: async () => {
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    },
  });
  const rows = centred.map((row) =>
    Float64Array.from(directions, (direction) =>
      direction.reduce((sum, share, i) => sum + share * (row[i] ?? NaN), 0),
    ),
  );
  const moments = momentsOf(rows);
  const variance = (scale: Float64Array): number => scale.reduce((sum, own) => sum + own ** 2, 0);
  return {
    names: directions.map((_, index) => `direction ${index + 1}`),
    ...{ rows, ...moments, isReduced: true, constantCount },
    keptVariance: variance(moments.scale) / variance(all.scale),
  };
}

/**
 * Returns of how many features a polynomial is one, of inputs with so many elements that vary.
 *
 * @throws UserError `too-many-terms` where none is within the limits.
 */
export function featureCountOf(elementCount: number, limits: TermLimits): number {
  const { degree, featureCount } = limits;
  if (featureCount !== null) {
    const count = Math.min(featureCount, elementCount);
    const problem = tooManyTerms(count, 1, limits);
    if (problem !== undefined) throw notWithin(problem, `Set features below ${count}, or pass more samples.`);
    return count;
  }
  if (tooManyTerms(elementCount, Math.min(2, degree), limits) === undefined) return elementCount;
  for (const wanted of [degree, 1]) {
    let count = 0;
    while (count < elementCount && tooManyTerms(count + 1, wanted, limits) === undefined) count++;
    if (count > 0) return count;
  }
  throw notWithin(tooManyTerms(1, 1, limits) ?? '', 'Pass more samples.');
}

function notWithin(problem: string, advice: string): UserError {
  return new UserError('too-many-terms', `No polynomial can be fitted: ${problem}. ${advice}`);
}

function nothingVaries(): UserError {
  return new UserError(
    'constant-inputs',
    'The inputs are the same in all rows that were read, or no row is finite, so that nothing can be regressed on them. Pass data with at least five samples that differ.',
  );
}

function momentsOf(rows: readonly Float64Array[]): Pick<SurrogateFeatures, 'centre' | 'scale'> {
  const width = rows[0]?.length ?? 0;
  const centre = new Float64Array(width);
  for (const row of rows) {
    for (const [i, value] of row.entries()) centre[i] = (centre[i] ?? 0) + value / rows.length;
  }
  const squares = new Float64Array(width);
  for (const row of rows) {
    for (const [i, value] of row.entries()) squares[i] = (squares[i] ?? 0) + (value - (centre[i] ?? 0)) ** 2;
  }
  return { centre, scale: squares.map((sum) => Math.sqrt(sum / rows.length)) };
}
