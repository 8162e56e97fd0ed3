import * as vscode from 'vscode';
import { notableStates, stateCountsText } from './stateCounts.js';
import type { LayerFacts } from './unitIndex.js';

/** What is known of a layer's units in a few words. */
export interface LayerBadgeWords {
  /** `38 % dead`, `all alive`. */
  readonly text: string;
  /** Some units are in a state worth a look. */
  readonly isNotable: boolean;
}

/** Returns the worst state of a layer's units with its share; undefined when none was judged. */
export function layerBadge(facts: LayerFacts | undefined): LayerBadgeWords | undefined {
  if (facts === undefined) return undefined;
  const { stateCounts, unitCount } = facts;
  const stale = facts.isStale ? ` (${vscode.l10n.t('stale')})` : '';
  const notable = notableStates.find((state) => (stateCounts[state] ?? 0) > 0);
  if (notable === undefined) {
    const isJudged = unitCount > (stateCounts['not-judged'] ?? 0);
    return isJudged ? { text: vscode.l10n.t('all alive') + stale, isNotable: false } : undefined;
  }
  const percent = Math.round((100 * (stateCounts[notable] ?? 0)) / unitCount);
  const share = percent === 0 ? '< 1 %' : `${String(percent)} %`;
  return { text: `${share} ${notable}${stale}`, isNotable: true };
}

/** Returns how many units are in which state, of which the badge has the worst, and when and on what they were measured. */
export function describeMeasurement(facts: LayerFacts): string {
  const { createdAt, sampleCount, isStale } = facts;
  const when = vscode.l10n.t(
    'Measured {0} on {1} samples',
    new Date(createdAt).toLocaleString(),
    sampleCount.toLocaleString('en-US'),
  );
  const stale = isStale ? [vscode.l10n.t('the model changed since')] : [];
  return [stateCountsText(facts), when, ...stale].filter((text) => text !== '').join(' · ');
}
