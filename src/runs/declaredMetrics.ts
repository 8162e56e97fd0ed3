import type { Analysis, MetricDeclaration } from '../analyses/analysis.js';
import { commonMetrics } from '../analyses/shared/commonMetrics.js';

/** Returns every metric that a report of the analysis may hold, so that thresholds can name it. */
export function metricsOf(analysis: Analysis): Readonly<Record<string, MetricDeclaration>> {
  return { ...commonMetrics, ...analysis.metrics };
}
