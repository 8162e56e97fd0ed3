import type { Analysis, RunCost, SettingsOf, Workload } from '../analyses/analysis.js';
import type { Dataset } from '../data/dataset.js';
import type { SampleShapes } from '../data/sampleShapes.js';
import type { Model } from '../onnx/model.js';
import type { SettingsSchema, SettingValues } from '../protocol/settings.js';
import { maxAccuracySamples } from './preface.js';

/** A run as its cost is worked out from. */
export interface PlannedRun {
  readonly analysis: Analysis;
  /** Complete and checked. */
  readonly settings: SettingValues;
  readonly model: Model;
  readonly data: Pick<Dataset, 'sampleCount' | 'hasLabels'> | undefined;
  readonly limit: number | undefined;
  readonly sampleShapes: SampleShapes;
}

/** What a run takes: the accuracy that stands before it, and the analysis. */
export interface PlannedCost {
  /** Samples that the run sees. */
  readonly sampleCount: number;
  readonly accuracy: RunCost;
  readonly analysis: RunCost;
}

/**
 * Returns what a run takes.
 *
 * @throws UserError what the analysis throws at settings that do not fit the model.
 */
export function costOf({ analysis, settings, model, data, limit, sampleShapes }: PlannedRun): PlannedCost {
  const sampleCount = Math.min(data?.sampleCount ?? 1, limit ?? Infinity);
  const accuracyCount = data?.hasLabels === true ? Math.min(sampleCount, maxAccuracySamples) : 0;
  const workload: Workload = {
    model,
    sampleCount,
    limit,
    sampleShapes: Object.fromEntries(
      Object.entries(sampleShapes).map(([name, dims]) => [name, dims.slice(1)]),
    ),
  };
  return {
    sampleCount,
    accuracy: { passCount: accuracyCount, readCount: accuracyCount },
    // `completeSettings` has checked every value against this analysis's own schema.
    analysis: analysis.cost?.(settings as SettingsOf<SettingsSchema>, workload) ?? {
      passCount: sampleCount,
      readCount: sampleCount,
    },
  };
}

/** Returns the share of a run that the accuracy takes, by forward passes. */
export function accuracyShareOf({ accuracy, analysis }: PlannedCost): number {
  const total = accuracy.passCount + analysis.passCount;
  return total > 0 ? accuracy.passCount / total : 0;
}
