import type { AnalysisContext } from '../../analysis.js';
import type { HealthResult } from '../../shared/healthRun.js';
import { type Product, productsOf, productValues, skippedMacs } from '../../shared/products.js';
import { concreteTypes, firstBatch } from '../../shared/targetPlan.js';

/** Returns the convolutions and matrix products of the context's model, sized on the first batch. */
export async function productsOnData(context: AnalysisContext): Promise<readonly Product[]> {
  const { data, model } = context;
  const first = data === undefined ? undefined : await firstBatch(context, data);
  if (first === undefined) return [];
  const types = await concreteTypes(context, first.feeds, productValues(model));
  return productsOf(model, types, first.rowCount);
}

/** Returns the share of all multiply–accumulates that are with an entry of an activation that is exactly 0. */
export function skippableShare(products: readonly Product[], { figures }: HealthResult): number {
  const zeros = new Map(
    figures.layers.map(({ swept, nonZeroFraction }) => [swept.target.leaving, 1 - nonZeroFraction]),
  );
  const { macCount, skippedCount } = skippedMacs(products, (value) => zeros.get(value));
  return macCount === 0 ? 0 : skippedCount / macCount;
}
