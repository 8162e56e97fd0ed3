import { packingOperators } from '../lowering/entries/sequences.js';
import { lowerings } from '../lowering/loweringTable.js';
import { noGradients, notDoneYet } from './noGradient.js';
import { gradientRules } from './ruleTable.js';

/** How an operator is differentiated, or why it is not. */
export type OperatorCoverage =
  | { readonly kind: 'rule' | 'lowering'; readonly isStraightThrough: boolean }
  | { readonly kind: 'packing' }
  | { readonly kind: 'converted'; readonly into: string }
  | { readonly kind: 'no-gradient'; readonly reason: string }
  | { readonly kind: 'not-yet'; readonly reason: string };

/** Deprecated operators that reading a model replaces. */
const replaced: ReadonlyMap<string, string> = new Map([
  ['Scatter', 'ScatterElements'],
  ['Upsample', 'Resize'],
]);

/** Returns everything that claims an operator: one entry when the tables are as they should be. */
export function coverageOf(domain: string, opType: string): readonly OperatorCoverage[] {
  const isIt = (entry: { readonly opType: string; readonly domain: string }): boolean =>
    entry.opType === opType && entry.domain === domain;
  const found: OperatorCoverage[] = [];
  const rule = gradientRules.find(isIt);
  const lowering = lowerings.find(isIt);
  const fact = noGradients.find(isIt);
  if (rule !== undefined) found.push({ kind: 'rule', isStraightThrough: rule.isStraightThrough === true });
  if (lowering !== undefined) {
    found.push({ kind: 'lowering', isStraightThrough: lowering.isStraightThrough === true });
  }
  if (fact !== undefined) found.push({ kind: 'no-gradient', reason: fact.reason });
  if (domain !== '') return found;
  const into = replaced.get(opType);
  const reason = notDoneYet.get(opType);
  if (packingOperators.includes(opType)) found.push({ kind: 'packing' });
  if (into !== undefined) found.push({ kind: 'converted', into });
  if (reason !== undefined) found.push({ kind: 'not-yet', reason });
  return found;
}

/** Returns the operators of other domains that a rule or a lowering covers, sorted. */
export function coveredOutside(): readonly { readonly domain: string; readonly opType: string }[] {
  const entries = [...gradientRules, ...lowerings].filter(({ domain }) => domain !== '');
  const keys = new Map(entries.map(({ domain, opType }) => [`${domain}:${opType}`, { domain, opType }]));
  return [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}
