import type { SiteFigures } from './measure.js';

/** Where attention stands in the taxonomy of the survey. */
export interface Taxonomy {
  /** Sequences: within one (self) or between two (cross). */
  readonly relation: 'self' | 'cross';
  /** Positions: all are weighed (soft), or some are picked (hard). */
  readonly selection: 'soft' | 'hard';
  /** Positions: all of them (global), or a window about the query (local). */
  readonly reach: 'global' | 'local';
  /** Keys of the widest window about a query. */
  readonly span: number;
  /** Whether no query looked at a later key. */
  readonly isCausal: boolean;
  /** Representations: several heads side by side, or one. */
  readonly headCount: number;
}

/** Windows narrower than this share of the keys are local. */
const localShare = 0.75;

/**
 * Returns the label of attention: relation and selection from the graph, reach and causality from the rows seen.
 *
 * Source: Chaudhari, Mithal, Polatkan & Ramanath (2019), "An Attentive Survey of Attention Models",
 * https://arxiv.org/abs/1904.02874, whose categories these are. Differs: hard is also what a softmax made one-hot on every
 * query, and local is what was seen, not what was built.
 */
export function taxonomyOf({ site, heads, keyCount, queryCount }: SiteFigures): Taxonomy {
  const span = 1 + 2 * heads.reduce((furthest, head) => Math.max(furthest, head.reach), 0);
  const isSquare = site.relation === 'self' && queryCount === keyCount && keyCount > 1;
  return {
    relation: site.relation,
    selection: site.selection,
    reach: isSquare && span < localShare * keyCount ? 'local' : 'global',
    span,
    isCausal: isSquare && heads.every((head) => head.isCausal),
    headCount: heads.length,
  };
}

/** Returns a label in words: `self-attention · soft · global · causal · 8 heads`. */
export function taxonomyWords(kind: SiteFigures['site']['kind'], taxonomy: Taxonomy): string {
  const { relation, selection, reach, span, isCausal, headCount } = taxonomy;
  return [
    kind === 'attention' ? `${relation}-attention` : 'local activation unit',
    selection,
    reach === 'local' ? `local (${String(span)} keys)` : 'global',
    ...(isCausal ? ['causal'] : []),
    headCount === 1 ? '1 head' : `${String(headCount)} heads`,
  ].join(' · ');
}
