import type { Preface } from '../analyses/analysis.js';
import { measureLanguage } from './languagePreface.js';
import { measureAccuracy, type PrefaceRequest } from './preface.js';

/** Returns how good the model is on the data, first in every report: its accuracy with labels, its perplexity if it speaks. */
export async function measurePreface(request: PrefaceRequest): Promise<Preface> {
  const accuracy = await measureAccuracy(request);
  const language = await measureLanguage(request);
  return {
    metrics: { ...accuracy.metrics, ...language.metrics },
    evidence: { ...accuracy.evidence, ...language.evidence },
    blocks: [...accuracy.blocks, ...language.blocks],
    warnings: [...accuracy.warnings, ...language.warnings],
  };
}
