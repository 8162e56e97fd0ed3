import { UserError } from '../../../base/errors.js';
import { ElementMoments } from '../../../engine/numeric/elementMoments.js';
import { maxAbs } from '../../../engine/numeric/vectors.js';
import { elementCountOf, float32Tensor } from '../../../onnx/tensorValue.js';
import type { Finding } from '../../../protocol/report.js';
import type { ResultArray } from '../../analysis.js';
import type { Attributions, ExplainedTensor, Problem, Scores } from './problem.js';

/** Samples of a method that averages over draws, unless `samples` says otherwise. */
const defaultSampleCount = 50;

/** Standard errors above this share of the largest score are worth a word. */
const tolerableErrorShare = 0.1;

/** Points of one batch, about: so many samples are run together. */
const pointsAtOnce = 64;

/** Returns how many samples are drawn per row. */
export function sampleCountOf({ samples }: { readonly samples: number | null }): number {
  return samples ?? defaultSampleCount;
}

/**
 * Splits the samples into groups that are run together.
 *
 * @throws UserError `too-few-samples` for fewer than two: one draw has no standard error.
 */
export function sampleGroups({ settings, rows }: Problem): readonly SampleGroup[] {
  const total = sampleCountOf(settings);
  if (total < 2) {
    throw new UserError(
      'too-few-samples',
      `method=${settings.method} needs at least 2 samples to tell chance from the rest. Set samples=2 or more.`,
    );
  }
  const size = Math.max(1, Math.floor(pointsAtOnce / rows.count));
  return Array.from({ length: Math.ceil(total / size) }, (_, group) => ({
    first: group * size,
    count: Math.min(size, total - group * size),
  }));
}

/** Consecutive samples. */
export interface SampleGroup {
  readonly first: number;
  readonly count: number;
}

/** Moments of the scores of every row, by row and then by tensor. */
export type RowMoments = readonly (readonly ElementMoments[])[];

/** Returns moments of no scores yet. */
export function emptyMoments(sites: readonly ExplainedTensor[], rowCount: number): RowMoments {
  return Array.from({ length: rowCount }, () =>
    sites.map(({ dims }) => new ElementMoments(elementCountOf(dims))),
  );
}

/** Returns a statistic of the moments, as scores. */
export function scoresOf(
  sites: readonly ExplainedTensor[],
  moments: RowMoments,
  statistic: (found: ElementMoments) => Float64Array,
): Scores[] {
  return sites.map(({ name, dims }, site) => {
    const size = elementCountOf(dims);
    const data = new Float64Array(moments.length * size);
    for (const [row, found] of moments.entries()) {
      if (found[site] !== undefined) data.set(statistic(found[site]), row * size);
    }
    return { name, dims: [moments.length, ...dims], data };
  });
}

/** Scores estimated from draws, with the standard error of each, shaped alike. */
export interface Estimate {
  readonly scores: readonly Scores[];
  readonly errors: readonly Scores[];
  readonly sampleCount: number;
}

/** Returns what an estimate adds to a report: evidence, the standard errors as arrays and metric, and advice. */
export function estimated({
  scores,
  errors,
  sampleCount,
}: Estimate): Pick<Attributions, 'scores' | 'evidence' | 'metrics' | 'arrays' | 'findings'> {
  const worst = Math.max(...errors.map(({ data }) => maxAbs(data)));
  const largest = Math.max(...scores.map(({ data }) => maxAbs(data)));
  const how = `${String(sampleCount)} random samples a row`;
  const evidence = { kind: 'estimated', n: sampleCount, how } as const;
  const arrays = errors.map(({ name, dims, data }): readonly [string, ResultArray] => [
    errors.length === 1 ? 'standardError' : `standardError.${name}`,
    { value: float32Tensor(Float32Array.from(data), dims), evidence },
  ]);
  const findings: Finding[] =
    worst > tolerableErrorShare * largest
      ? [
          {
            severity: 'info',
            message: `The standard error of a score is up to ${((100 * worst) / largest).toFixed(0)} % of the largest score: differences smaller than that are chance.`,
            advice: `Raise samples, e.g. samples=${String(sampleCount * 4)}, which halves it.`,
          },
        ]
      : [];
  return {
    scores,
    evidence,
    metrics: { maxStandardError: worst },
    arrays: Object.fromEntries(arrays),
    findings,
  };
}
