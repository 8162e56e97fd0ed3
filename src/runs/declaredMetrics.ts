import type { Analysis, MetricDeclaration } from '../analyses/analysis.js';

/** Metrics that every run with labels measures before the analysis. */
const commonMetrics: Readonly<Record<string, MetricDeclaration>> = {
  accuracy: {
    title: 'Accuracy',
    description: 'Share of samples whose highest output is the labelled class; only with labels.',
  },
};

/** Returns every metric that a report of the analysis may hold, so that thresholds can name it. */
export function metricsOf(analysis: Analysis): Readonly<Record<string, MetricDeclaration>> {
  return { ...commonMetrics, ...analysis.metrics };
}
