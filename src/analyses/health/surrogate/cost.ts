import { UserError } from '../../../base/errors.js';
import { directionProducts } from '../../../engine/numeric/leadingDirections.js';
import { termCountOf } from '../../../engine/numeric/polynomials.js';
import type { RunCost, Workload } from '../../analysis.js';
import { featureCountOf, type TermLimits, tooManyTerms } from './chooseFeatures.js';
import { maxOutputs, maxWidth, realInputs } from './readPairs.js';

/** What a surrogate is asked for. */
export interface SurrogateWork extends Omit<TermLimits, 'trainingCount'> {
  readonly rows: number;
  readonly foldCount: number;
}

/** Returns what a surrogate takes: the rows read and answered, their leading directions, and the fits of every degree and fold. */
export function surrogateCost(work: SurrogateWork, { model, sampleCount, sampleShapes }: Workload): RunCost {
  const { foldCount, degree } = work;
  const count = Math.min(sampleCount, work.rows);
  // The rest of a batch's samples is not read; one more keeps the figures growing with the data.
  const readCount = count + sampleCount / 1000;
  const cost = { passCount: readCount, readCount };
  const width = realInputs(model).reduce(
    (sum, { name }) => sum + (sampleShapes[name]?.reduce((product, dim) => product * dim, 1) ?? 0),
    0,
  );
  if (width === 0) return cost;
  const elementCount = Math.min(width, maxWidth);
  const limits = { ...work, trainingCount: count - Math.ceil(count / foldCount) };
  const features = countWithin(elementCount, limits);
  const degrees = Array.from({ length: degree }, (_, at) => at + 1).filter(
    (each) => features > 0 && tooManyTerms(features, each, limits) === undefined,
  );
  const terms = degrees.map((each) => termCountOf(features, each));
  const size = Math.max(0, ...terms) + maxOutputs;
  // Sums of products keep half of a matrix; a factorisation takes n³/6, for each fold and for all rows.
  const sums = (count * size ** 2) / 2;
  const fits = terms.reduce((sum, n) => sum + ((foldCount + 1) * n ** 3) / 6, 0);
  const isReduced = features < width;
  const directions = isReduced
    ? directionProducts({ rowCount: count, width: elementCount, count: features })
    : 0;
  return { ...cost, multiplyCount: directions + sums + fits };
}

/** What cannot be fitted says so when it is run. */
function countWithin(elementCount: number, limits: TermLimits): number {
  try {
    return featureCountOf(elementCount, limits);
  } catch (error) {
    if (error instanceof UserError) return 0;
    throw error;
  }
}
