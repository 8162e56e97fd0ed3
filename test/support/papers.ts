import type { AsyncFunc, Func } from 'mocha';

/**
 * Defines a test that shows that the rows of papers hold, by the words of the rows: `docs/papers.md` names it there.
 *
 * The lines are the papers' numbers, as in `papers` of an analysis, and must be written out as numbers: the page is made by
 * reading the tests, and one of a row without a test fails.
 */
export function itHolds(line: number | readonly number[], title: string, body: Func | AsyncFunc): void {
  it(`${title} (${typeof line === 'number' ? 'paper' : 'papers'} ${[line].flat().join(', ')})`, body as Func);
}
