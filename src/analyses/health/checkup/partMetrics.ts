import type { Analysis, MetricDeclaration } from '../../analysis.js';

/** Where the metrics of other analyses are found among those of the checkup. */
export interface PartMetrics {
  readonly declared: Readonly<Record<string, MetricDeclaration>>;
  /** Returns the checkup's name of a metric of an analysis. */
  nameOf(analysis: Analysis, metric: string): string;
}

/**
 * Returns names for the metrics of several analyses.
 *
 * A metric keeps its own name. Where two analyses use a name for different things, the first listed keeps it, so that a
 * name never changes its meaning when an analysis is added behind; the other is `id.name`. Analyses that share a declaration
 * measure the same thing, once.
 */
export function partMetrics(
  own: Readonly<Record<string, MetricDeclaration>>,
  analyses: readonly Analysis[],
): PartMetrics {
  const declared: Record<string, MetricDeclaration> = {};
  const owners = new Map<string, MetricDeclaration>(Object.entries(own));
  const names = new Map<string, string>();
  for (const analysis of analyses) {
    for (const [metric, declaration] of Object.entries(analysis.metrics)) {
      const owner = owners.get(metric);
      const name = owner === undefined || owner === declaration ? metric : `${analysis.id}.${metric}`;
      names.set(`${analysis.id}.${metric}`, name);
      owners.set(name, declaration);
      declared[name] ??= { ...declaration, title: `${analysis.title}: ${declaration.title}` };
    }
  }
  return {
    declared,
    nameOf: (analysis, metric) => names.get(`${analysis.id}.${metric}`) ?? `${analysis.id}.${metric}`,
  };
}
