import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import type { Model } from '../../../onnx/model.js';
import type { SettingValues } from '../../../protocol/settings.js';
import type { Analysis, RunCost, WorkCost, Workload } from '../../analysis.js';
import { lackOf, needOf, typedSettings } from '../../shared/askedAnalysis.js';
import type { LeftOut } from './outcome.js';

/** An analysis that may be asked, with its defaults. */
export interface Candidate {
  readonly analysis: Analysis;
  readonly settings: SettingValues;
}

/** Returns the analyses that fit a model and data as far as that can be told without running, and why the others do not. */
export function candidatesOf(
  analyses: readonly Analysis[],
  { model, data }: { readonly model: Model; readonly data: Dataset | undefined },
): { readonly candidates: readonly Candidate[]; readonly leftOut: readonly LeftOut[] } {
  const candidates: Candidate[] = [];
  const leftOut: LeftOut[] = [];
  for (const analysis of analyses) {
    const gap = gapOf(analysis, model, data);
    if (gap === undefined) candidates.push({ analysis, settings: defaultsOf(analysis) });
    else leftOut.push({ analysis, ...gap });
  }
  return { candidates, leftOut };
}

/** Returns the settings of an analysis that is told nothing. */
export function defaultsOf({ settings }: Analysis): SettingValues {
  return Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, setting.default]));
}

/** Returns what an analysis takes; a pass over the samples where it does not say, or cannot for this model. */
export function costOfCandidate({ analysis, settings }: Candidate, workload: Workload): RunCost {
  const plain = { passCount: workload.sampleCount, readCount: workload.sampleCount };
  try {
    return analysis.cost?.(typedSettings(settings), workload) ?? plain;
  } catch (error) {
    // What does not fit says so when it is run.
    if (error instanceof UserError) return plain;
    throw error;
  }
}

/** Returns what several analyses take together: work that they share is counted once. */
export function costOfAll(candidates: readonly Candidate[], workload: Workload): WorkCost {
  const seen = new Set<string>();
  let passCount = 0;
  let readCount = 0;
  let multiplyCount = 0;
  for (const candidate of candidates) {
    const cost = costOfCandidate(candidate, workload);
    passCount += cost.passCount;
    readCount += cost.readCount;
    multiplyCount += cost.multiplyCount ?? 0;
    for (const [key, shared] of Object.entries(cost.shared ?? {})) {
      if (!seen.has(key)) {
        seen.add(key);
        continue;
      }
      passCount -= shared.passCount;
      readCount -= shared.readCount;
    }
  }
  return { passCount, readCount, multiplyCount };
}

function gapOf(
  analysis: Analysis,
  model: Model,
  data: Dataset | undefined,
): Pick<LeftOut, 'gap' | 'reason'> | undefined {
  const lack = lackOf(analysis, model);
  if (lack !== undefined) return { gap: 'does not apply', reason: lack };
  const misleading = analysis.misleads?.(model);
  if (misleading !== undefined) {
    return { gap: 'does not apply', reason: `It is left to be asked for: ${misleading}.` };
  }
  const need = needOf(analysis, data);
  return need === undefined ? undefined : { gap: 'needs data', reason: need };
}
