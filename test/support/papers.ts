import type { Func } from 'mocha';

/**
 * Defines a test that shows that the row of a paper holds, by the words of the row: `docs/papers.md` names it there.
 *
 * The line is the paper's, as in `papers` of an analysis, and must be written as a number: the page is made by reading the
 * tests, and one that names no test of a row fails.
 */
export function itHolds(line: number, title: string, body: Func | (() => Promise<void>)): void {
  it(`${title} (paper ${line})`, body as Func);
}
