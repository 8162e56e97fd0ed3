import type { Analysis } from '../analyses/analysis.js';

/** Returns the registry of analyses; loaded when first needed, because activation must be quick. */
export async function loadAnalyses(): Promise<readonly Analysis[]> {
  const { analyses } = await import('../analyses/registry.js');
  return analyses;
}
