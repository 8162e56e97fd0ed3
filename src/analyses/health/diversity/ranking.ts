import {
  differenceInterval,
  type Interval,
  type Proportion,
  proportionInterval,
} from '../../../engine/numeric/proportions.js';
import { compareDiversity, type SampleDiversity } from './measureDiversity.js';

/** Samples by diversity. */
export interface Ranking {
  /** Least diverse first, then as in the data; those without a variance left out. */
  readonly ranked: readonly SampleDiversity[];
  /** How many of them are called the least diverse: at least 1, and never all. */
  readonly leastCount: number;
  /** Samples without a finite variance. */
  readonly unranked: readonly SampleDiversity[];
}

/** Returns the samples by the variance of their features. */
export function rankSamples(samples: readonly SampleDiversity[], share: number): Ranking {
  const ranked = samples.filter(({ variance }) => Number.isFinite(variance)).sort(compareDiversity);
  return {
    ranked,
    leastCount: Math.min(ranked.length - 1, Math.max(1, Math.round(share * ranked.length))),
    unranked: samples.filter(({ variance }) => !Number.isFinite(variance)),
  };
}

/** Returns variances as the bias loss scales them: 0 for the least of all, 1 for the largest; NaN where all are equal. */
export function scaledVariance({ variance }: SampleDiversity, ranked: readonly SampleDiversity[]): number {
  const [low, high] = [ranked[0]?.variance ?? NaN, ranked.at(-1)?.variance ?? NaN];
  return (variance - low) / (high - low);
}

/** Tells whether the model is wrong on a sample; undefined without a label or an answer. Scores that are not finite are wrong. */
export function isWrong({ label = -1, prediction }: SampleDiversity): boolean | undefined {
  return label < 0 || prediction === undefined ? undefined : prediction !== label;
}

/** Errors among the least diverse samples and among the rest. */
export interface ErrorGap {
  readonly least: Proportion;
  readonly rest: Proportion;
  readonly gap: number;
  readonly interval: Interval;
}

/** Returns how error rates differ; undefined where one side has no sample with a label and an answer. */
export function errorGap({ ranked, leastCount }: Ranking): ErrorGap | undefined {
  const [least, rest] = [errorsOf(ranked.slice(0, leastCount)), errorsOf(ranked.slice(leastCount))];
  if (least.total === 0 || rest.total === 0) return undefined;
  const gap = least.count / least.total - rest.count / rest.total;
  return { least, rest, gap, interval: differenceInterval(least, rest) };
}

function errorsOf(samples: readonly SampleDiversity[]): Proportion {
  const judged = samples.map(isWrong).filter((wrong) => wrong !== undefined);
  return { count: judged.filter(Boolean).length, total: judged.length };
}

/** Samples next to each other in the ranking. */
export interface DiversityBin {
  readonly sampleCount: number;
  readonly lowest: number;
  readonly highest: number;
  /** Undefined where none of them has a label and an answer. */
  readonly errors: (Proportion & Interval) | undefined;
}

/** Returns the ranking in `count` bins of equal size, but for one sample; fewer where there are fewer samples. */
export function diversityBins({ ranked }: Ranking, count: number): DiversityBin[] {
  const binCount = Math.min(count, ranked.length);
  return Array.from({ length: binCount }, (_, bin) => {
    const edge = (i: number): number => Math.round((i * ranked.length) / binCount);
    const own = ranked.slice(edge(bin), edge(bin + 1));
    const errors = errorsOf(own);
    return {
      sampleCount: own.length,
      lowest: own[0]?.variance ?? NaN,
      highest: own.at(-1)?.variance ?? NaN,
      errors: errors.total === 0 ? undefined : { ...errors, ...proportionInterval(errors) },
    };
  });
}
