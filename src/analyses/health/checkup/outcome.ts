import type { SettingValues } from '../../../protocol/settings.js';
import type { Analysis, ReportDraft } from '../../analysis.js';

/** Why an analysis gave no answer. */
export type Gap = 'does not apply' | 'needs data' | 'no budget' | 'failed';

/** An analysis that gave no answer. */
export interface LeftOut {
  readonly analysis: Analysis;
  readonly gap: Gap;
  /** One sentence: what is missing, how long it would take, or which error. */
  readonly reason: string;
}

/** An analysis that gave an answer. */
export interface Answered {
  readonly analysis: Analysis;
  readonly settings: SettingValues;
  readonly draft: ReportDraft;
  readonly durationMs: number;
  /** The budget ended it: `draft` is what was known. */
  readonly isCut: boolean;
}

/** How far a checkup is. */
export interface Checked {
  readonly answered: readonly Answered[];
  readonly leftOut: readonly LeftOut[];
  /** Samples that every analysis was given, where they are fewer than there are, and how many there are. */
  readonly reduced?: { readonly sampleCount: number; readonly allCount: number };
}
