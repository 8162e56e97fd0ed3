import type { QuestionId } from '../../src/analyses/analysis.js';
import papers from './papers.json' with { type: 'json' };

/** A paper that the project means to put into a developer’s hands. */
export interface ListedPaper {
  /** Its number here, which `itHolds` and `papers` of an analysis use. */
  readonly line: number;
  readonly title: string;
  /** Ids of the analyses that it becomes, `blocks` for a recognised sub-graph, `data: KIND` for a reader. */
  readonly analyses: readonly string[];
}

/** All papers, by the question that they help to answer, in the order of the page. */
export const listedPapers: Readonly<Record<QuestionId, readonly ListedPaper[]>> = papers;
