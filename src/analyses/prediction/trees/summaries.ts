import type { Contributions } from './contributions.js';
import type { Head } from './heads.js';
import type { TreeStudy } from './study.js';

/** What is known of a feature over all trees. */
export interface FeatureUse {
  readonly feature: number;
  readonly name: string;
  readonly splitCount: number;
  /** Trees that ask about it. */
  readonly treeCount: number;
  /** Share of the variance that all splits explain, over all outputs; undefined without covers. */
  readonly gainShare: number | undefined;
  /** Mean |contribution| over rows and the outputs of each head; empty without data. */
  readonly contributionByHead: readonly number[];
}

/** Returns what is known of every feature, those with the largest contributions (or else most splits) first. */
export function featureUse(study: TreeStudy): FeatureUse[] {
  const { trees, featureNames, gains, heads, contributions } = study;
  const gainOf = (feature: number): number =>
    (gains ?? []).reduce((sum, ofOutput) => sum + (ofOutput[feature] ?? 0), 0);
  const allGain = featureNames.reduce((sum, _, feature) => sum + gainOf(feature), 0);
  const uses = featureNames.map((name, feature): FeatureUse => {
    const splits = trees.map(({ splitsByFeature }) => splitsByFeature.get(feature) ?? 0);
    return {
      feature,
      name,
      splitCount: splits.reduce((sum, count) => sum + count, 0),
      treeCount: splits.filter((count) => count > 0).length,
      gainShare: gains === undefined || allGain === 0 ? undefined : gainOf(feature) / allGain,
      contributionByHead:
        contributions === undefined
          ? []
          : heads.map((head) => meanContribution(contributions, study, { head, feature })),
    };
  });
  const weight = ({ contributionByHead }: FeatureUse): number =>
    contributionByHead.reduce((sum, share) => sum + share, 0);
  return uses.sort((a, b) => weight(b) - weight(a) || b.splitCount - a.splitCount || a.feature - b.feature);
}

function meanContribution(
  { shares }: Contributions,
  { featureNames, outputNames, rows }: TreeStudy,
  { head, feature }: { readonly head: Head; readonly feature: number },
): number {
  const rowCount = rows?.count ?? 0;
  let sum = 0;
  for (let row = 0; row < rowCount; row++) {
    for (const output of head.outputs) {
      sum += Math.abs(shares[(row * outputNames.length + output) * featureNames.length + feature] ?? NaN);
    }
  }
  return sum / (rowCount * head.outputs.length);
}

/** What one output of one row is made of. */
export interface SharedOutput {
  readonly row: number;
  readonly output: number;
  readonly value: number;
  readonly start: number;
  /** Features and contributions, largest in size first. */
  readonly parts: readonly { readonly feature: number; readonly share: number }[];
}

/** Returns what the outputs of a row are made of. */
export function sharedOutputs(study: TreeStudy, row: number): SharedOutput[] {
  const { contributions, outputs, outputNames, featureNames } = study;
  if (contributions === undefined || outputs === undefined) return [];
  return outputNames.map((_, output) => {
    const at = row * outputNames.length + output;
    const own = contributions.shares.subarray(at * featureNames.length, (at + 1) * featureNames.length);
    return {
      row,
      output,
      value: outputs[at] ?? NaN,
      start: contributions.starts[output] ?? NaN,
      parts: Array.from(own, (share, feature) => ({ feature, share })).sort(
        (a, b) => Math.abs(b.share) - Math.abs(a.share),
      ),
    };
  });
}
