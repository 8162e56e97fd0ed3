import type { Analysis } from '../analyses/analysis.js';

/**
 * Returns the registry of analyses.
 *
 * Loaded when first needed, from a bundle of its own (`scripts/build.mjs`): it is most of the code, and activation must be
 * quick. The editor reads what analyses declare; only the engine process runs them.
 */
export async function loadAnalyses(): Promise<readonly Analysis[]> {
  const { analyses } = await import('../analyses/registry.js');
  return analyses;
}
