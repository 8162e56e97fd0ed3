import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/nearest.js';
import { completeSettings, parseSettings } from '../../../protocol/readSettings.js';
import type { SettingValues } from '../../../protocol/settings.js';
import type { Analysis, AnalysisContext } from '../../analysis.js';
import { lackOf, needOf } from '../../shared/askedAnalysis.js';
import { commonMetrics } from '../../shared/commonMetrics.js';
import type { TimelineChoices } from './settings.js';

/** What is asked of every checkpoint. */
export interface TimelineQuestion {
  readonly analysis: Analysis;
  /** Complete and checked. */
  readonly settings: SettingValues;
  /** Metrics by name, the one of most interest first; undefined: all that are measured. */
  readonly metrics: readonly string[] | undefined;
}

/**
 * Returns what is asked of every checkpoint.
 *
 * @throws UserError `bad-setting` or `unknown-setting` of the analysis, `unknown-metric`, `analysis-does-not-fit`.
 */
export function timelineQuestion(
  { analysis: id, options, metrics }: TimelineChoices,
  analyses: readonly Analysis[],
): TimelineQuestion {
  const analysis = analyses.find((each) => each.id === id);
  if (analysis === undefined) throw new Error(`There is no analysis ${id}.`);
  const pairs = splitList(options ?? '', ';');
  const settings = completeSettings(analysis.settings, parseSettings(analysis.settings, pairs));
  return { analysis, settings, metrics: metrics === null ? undefined : knownMetrics(analysis, metrics) };
}

/**
 * Says now, and not once for every checkpoint, what the model or data lack.
 *
 * @throws UserError `analysis-does-not-fit`.
 */
export function requireFit({ analysis }: TimelineQuestion, context: AnalysisContext): void {
  const reason = lackOf(analysis, context.model) ?? needOf(analysis, context.data);
  if (reason === undefined) return;
  throw new UserError(
    'analysis-does-not-fit',
    `${analysis.id} cannot be followed over checkpoints. ${reason}`,
    {
      detail: { analysis: analysis.id },
    },
  );
}

function knownMetrics(analysis: Analysis, text: string): readonly string[] {
  const declared = Object.keys({ ...commonMetrics, ...analysis.metrics });
  const names = [...new Set(splitList(text, ','))];
  const unknown = names.find((name) => !declared.includes(name));
  if (names.length > 0 && unknown === undefined) return names;
  throw new UserError(
    'unknown-metric',
    `${analysis.id} has no metric "${unknown ?? text}".${didYouMean(unknown ?? text, declared)} Metrics: ${declared.join(', ')}.`,
    { detail: { metric: unknown ?? text, known: declared } },
  );
}

function splitList(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
