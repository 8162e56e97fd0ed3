import type { Analysis, RunCost, SettingsOf, Workload } from '../analyses/analysis.js';
import type { Dataset } from '../data/dataset.js';
import type { SampleShapes } from '../data/sampleShapes.js';
import type { Model } from '../onnx/model.js';
import type { SettingsSchema, SettingValues } from '../protocol/settings.js';
import { lossSampleCountOf } from './languagePreface.js';
import { maxAccuracySamples } from './preface.js';

/** A run as its cost is worked out from. */
export interface PlannedRun {
  readonly analysis: Analysis;
  /** Complete and checked. */
  readonly settings: SettingValues;
  readonly model: Model;
  readonly data: Pick<Dataset, 'sampleCount' | 'hasLabels' | 'tokens' | 'maskInput'> | undefined;
  readonly limit: number | undefined;
  readonly sampleShapes: SampleShapes;
  /** Models that the settings name beside it. */
  readonly listedCount: number;
}

/** What a run takes: what every report starts with (accuracy, perplexity), and the analysis. */
export interface PlannedCost {
  /** Samples that the run sees. */
  readonly sampleCount: number;
  readonly preface: RunCost;
  readonly analysis: RunCost;
}

/**
 * Returns what a run takes.
 *
 * @throws UserError what the analysis throws at settings that do not fit the model.
 */
export function costOf(planned: PlannedRun): PlannedCost {
  const { analysis, settings, model, data, limit, sampleShapes, listedCount } = planned;
  const sampleCount = Math.min(data?.sampleCount ?? 1, limit ?? Infinity);
  const accuracyCount = data?.hasLabels === true ? Math.min(sampleCount, maxAccuracySamples) : 0;
  const lossCount = data === undefined ? 0 : lossSampleCountOf({ model, data, sampleCount, sampleShapes });
  const prefaceCount = accuracyCount + lossCount;
  const workload: Workload = {
    model,
    sampleCount,
    limit,
    listedCount,
    sampleShapes: Object.fromEntries(
      Object.entries(sampleShapes).map(([name, dims]) => [name, dims.slice(1)]),
    ),
  };
  return {
    sampleCount,
    preface: { passCount: prefaceCount, readCount: prefaceCount },
    // `completeSettings` has checked every value against this analysis's own schema.
    analysis: analysis.cost?.(settings as SettingsOf<SettingsSchema>, workload) ?? {
      passCount: sampleCount,
      readCount: sampleCount,
    },
  };
}

/** Returns the share of a run that what stands before the analysis takes, by forward passes. */
export function prefaceShareOf({ preface, analysis }: PlannedCost): number {
  const total = preface.passCount + analysis.passCount;
  return total > 0 ? preface.passCount / total : 0;
}
