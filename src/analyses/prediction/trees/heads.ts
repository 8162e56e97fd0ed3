import { UserError } from '../../../base/errors.js';
import type { TreeFacts } from '../../../engine/trees/describeTree.js';

/** Outputs that belong together: the actions of a policy, a value, the classes of a classifier. */
export interface Head {
  readonly name: string;
  readonly outputs: readonly number[];
}

/**
 * Reads heads written `policy: 0, 1, 2; value: 3`; outputs that stand in none are heads of their own.
 *
 * @throws UserError `wrong-heads` for an output that is not there or stands in two heads.
 */
export function parseHeads(text: string | null, outputNames: readonly string[]): Head[] {
  const heads: Head[] = [];
  const taken = new Set<number>();
  for (const part of (text ?? '').split(';').filter((each) => each.trim() !== '')) {
    const [before = '', after] = part.split(':');
    const outputs = (after ?? before).split(',').map((output) => outputIndex(output.trim(), outputNames));
    for (const output of outputs) {
      if (taken.has(output)) throw wrongHeads(`names output ${String(output)} twice`, outputNames.length);
      taken.add(output);
    }
    heads.push({ name: before.trim(), outputs });
  }
  for (const [output, name] of outputNames.entries()) {
    if (!taken.has(output)) heads.push({ name, outputs: [output] });
  }
  return heads;
}

function outputIndex(text: string, outputNames: readonly string[]): number {
  const index = /^\d+$/.test(text) ? Number(text) : outputNames.indexOf(text);
  if (index >= 0 && index < outputNames.length) return index;
  throw wrongHeads(`names the output "${text}", which is not there`, outputNames.length);
}

function wrongHeads(problem: string, count: number): UserError {
  return new UserError(
    'wrong-heads',
    `heads ${problem}. The trees have ${String(count)} outputs: write numbers from 0 to ${String(count - 1)}, as in "policy: 0, 1; value: 2".`,
  );
}

/** How the trees divide between heads. */
export interface HeadUse {
  readonly head: Head;
  /** Trees that write to it. */
  readonly treeCount: number;
  /** Of these, trees that write to another head too. */
  readonly sharedCount: number;
}

/** Returns how many trees write to each head, and how many of them write to others as well. */
export function headUse(heads: readonly Head[], trees: readonly TreeFacts[]): HeadUse[] {
  const written = trees.map(({ targets }) =>
    heads.map(({ outputs }) => outputs.some((output) => targets.has(output))),
  );
  return heads.map((head, index) => {
    const own = written.filter((flags) => flags[index] === true);
    const shared = own.filter((flags) => flags.filter(Boolean).length > 1);
    return { head, treeCount: own.length, sharedCount: shared.length };
  });
}
