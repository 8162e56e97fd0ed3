import { type FittedNode, leafPaths, type PathCondition } from '../../../engine/trees/fitTree.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import type { Concept } from './study.js';

/** A rule of an expert. */
export interface Rule {
  readonly conditions: readonly PathCondition[];
  /** Class that it gives. */
  readonly class: number;
  /** Rows that were fitted to it. */
  readonly fittedCount: number;
}

/** Returns the rules of a tree, those below a threshold first. */
export function rulesOf(tree: FittedNode): readonly Rule[] {
  return leafPaths(tree).map(({ leaf, conditions }) => ({
    conditions,
    class: leaf.class,
    fittedCount: leaf.counts.reduce((sum, count) => sum + count, 0),
  }));
}

/** Returns conditions as logic: `fc1[3] > 0.5 and fc1[7] ≤ 0.1`; `always` where there are none. */
export function conditionsText(conditions: readonly PathCondition[], concepts: readonly Concept[]): string {
  if (conditions.length === 0) return 'always';
  return conditions.map((condition) => conditionText(condition, concepts)).join(' and ');
}

function conditionText({ feature, above, upTo }: PathCondition, concepts: readonly Concept[]): string {
  const name = concepts[feature]?.name ?? String(feature);
  if (above === -Infinity) return `${name} ≤ ${formatNumber(upTo)}`;
  if (upTo === Infinity) return `${name} > ${formatNumber(above)}`;
  return `${formatNumber(above)} < ${name} ≤ ${formatNumber(upTo)}`;
}

/** Returns where an expert answers: its selector's leaves that take rows, joined by "or". */
export function selectorText(selector: FittedNode, concepts: readonly Concept[]): string {
  return leafPaths(selector)
    .filter(({ leaf }) => leaf.class === 1)
    .map(({ conditions }) => conditionsText(conditions, concepts))
    .join(' or ');
}

/** Returns the concepts that trees ask about, in the order of first use. */
export function askedConcepts(trees: readonly FittedNode[]): readonly number[] {
  const found = new Set<number>();
  const visit = (node: FittedNode): void => {
    if (node.kind === 'leaf') return;
    found.add(node.feature);
    visit(node.below);
    visit(node.above);
  };
  trees.forEach(visit);
  return [...found];
}
