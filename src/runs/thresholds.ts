import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import { fromReportNumber } from '../protocol/reportNumbers.js';
import type { Report } from '../protocol/report.js';

/** The comparisons that `--fail-on` takes. */
export type ThresholdOperator = '>' | '>=' | '<' | '<=' | '==';

/** A condition under which a run fails. */
export interface Threshold {
  /** As it was given, trimmed. */
  readonly text: string;
  readonly metric: string;
  readonly operator: ThresholdOperator;
  readonly limit: number;
}

/** What a threshold says about a report. */
export interface Judgement {
  readonly threshold: Threshold;
  readonly isCrossed: boolean;
  /** One sentence with the number seen. */
  readonly reason: string;
}

const comparisons: Readonly<Record<ThresholdOperator, (value: number, limit: number) => boolean>> = {
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '==': (value, limit) => value === limit,
};

/**
 * Returns the threshold that a text such as `deadShare > 0.3` gives.
 *
 * @throws UserError `bad-threshold`, `unknown-metric` when the metric is not among the declared ones.
 */
export function parseThreshold(text: string, declaredMetrics: readonly string[]): Threshold {
  const match =
    /^\s*([A-Za-z_][\w.-]*)\s*(>=|<=|==|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*$/i.exec(text);
  const [, metric, operator, limit] = match ?? [];
  if (metric === undefined || !isOperator(operator)) {
    throw new UserError(
      'bad-threshold',
      `"${text}" is no threshold. Write --fail-on "metric>number" with one of > >= < <= ==, in quotes.`,
      { detail: { text } },
    );
  }
  if (!declaredMetrics.includes(metric)) {
    throw new UserError(
      'unknown-metric',
      `This analysis declares no metric "${metric}".${didYouMean(metric, declaredMetrics)} Metrics: ${declaredMetrics.join(', ')}.`,
      { detail: { metric, declaredMetrics } },
    );
  }
  return { text: text.trim(), metric, operator, limit: Number(limit) };
}

/** Judges a report: a metric that is not finite or was not captured fails its threshold, with the reason. */
export function judge(threshold: Threshold, report: Report): Judgement {
  const { metric, operator, limit, text } = threshold;
  const stored = report.metrics[metric];
  const evidence = report.evidence[metric];
  if (stored === undefined || evidence?.kind === 'not-captured') {
    const why = evidence?.how ?? `the run ${statusWords[report.status]} without it`;
    return {
      threshold,
      isCrossed: true,
      reason: `${metric} was not captured (${why}), so "${text}" cannot be ruled out.`,
    };
  }
  const value = fromReportNumber(stored);
  if (!Number.isFinite(value)) {
    return { threshold, isCrossed: true, reason: `${metric} is ${String(stored)}, not a finite number.` };
  }
  const isCrossed = comparisons[operator](value, limit);
  const relation = isCrossed ? 'which crosses' : 'within';
  return {
    threshold,
    isCrossed,
    reason: `${metric} is ${String(value)}, ${relation} the threshold ${text}.`,
  };
}

const statusWords = {
  complete: 'ended',
  partial: 'was partial and ended',
  cancelled: 'was cancelled',
  failed: 'failed',
} as const;

function isOperator(text: string | undefined): text is ThresholdOperator {
  return text !== undefined && Object.hasOwn(comparisons, text);
}
