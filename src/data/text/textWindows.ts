import type { TextPlan } from './textPlan.js';
import type { TokenFile } from './tokenFile.js';

/** A text of a corpus. */
export interface Document {
  readonly id: string;
  readonly tokens: TokenFile;
}

/** Tokens `[start, end)` of a document. */
interface TextWindow {
  readonly id: string;
  readonly document: number;
  readonly start: number;
  readonly end: number;
}

/** The rows that a corpus is cut into; worked out when they are asked for, because there may be millions. */
export interface TextWindows {
  readonly count: number;
  /** Returns a window; undefined past the end. */
  at(index: number): TextWindow | undefined;
  /** Returns a number of each document for each of its windows. */
  spread(byDocument: ArrayLike<number>): Int32Array;
}

/** What is left at the end is padded where a mask says so, else left out, unless it is all there is of a document. */
export function cutDocuments(
  documents: readonly Document[],
  plan: Pick<TextPlan, 'contentLength' | 'hop' | 'isPadded' | 'isFixed'>,
): { readonly windows: TextWindows; readonly warnings: readonly string[] } {
  /** Number of the first window of each document, and of all windows. */
  const firsts = [0];
  let leftOutCount = 0;
  for (const { tokens } of documents) {
    const cut = cutOne(tokens.tokenCount, plan);
    firsts.push((firsts.at(-1) ?? 0) + cut.count);
    leftOutCount += cut.leftOutCount;
  }
  const allCount = documents.reduce((sum, { tokens }) => sum + tokens.tokenCount, 0);
  const warnings =
    leftOutCount === 0
      ? []
      : [
          `The last ${leftOutCount.toLocaleString('en-US')} of ${allCount.toLocaleString('en-US')} tokens fill no row and were left out.`,
        ];
  return { windows: windowsOf(documents, firsts, plan), warnings };
}

/** How many windows a document of some tokens has, and how many tokens are in none of them. */
function cutOne(
  tokenCount: number,
  { contentLength, hop, isPadded, isFixed }: Pick<TextPlan, 'contentLength' | 'hop' | 'isPadded' | 'isFixed'>,
): { readonly count: number; readonly leftOutCount: number } {
  if (tokenCount === 0) return { count: 0, leftOutCount: 0 };
  // The first window that reaches the end is the last, or the last that begins before it where windows do not touch.
  const reaching = Math.max(0, Math.ceil((tokenCount - contentLength) / hop));
  const last = Math.min(reaching, Math.floor((tokenCount - 1) / hop));
  const isWhole = last * hop + contentLength <= tokenCount;
  const isMany = tokenCount > contentLength;
  if (isWhole || isPadded || (!isFixed && !isMany)) return { count: last + 1, leftOutCount: 0 };
  return { count: last, leftOutCount: tokenCount - last * hop };
}

function windowsOf(
  documents: readonly Document[],
  firsts: readonly number[],
  { contentLength, hop }: Pick<TextPlan, 'contentLength' | 'hop'>,
): TextWindows {
  const count = firsts.at(-1) ?? 0;
  return {
    count,
    at(index) {
      if (index < 0 || index >= count) return undefined;
      const document = lastAtMost(firsts, index);
      const { id, tokens } = documents[document] ?? { id: '', tokens: { tokenCount: 0 } };
      const start = (index - (firsts[document] ?? 0)) * hop;
      const end = Math.min(start + contentLength, tokens.tokenCount);
      const isMany = tokens.tokenCount > contentLength;
      return { id: isMany ? `${id} ${start}–${end - 1}` : id, document, start, end };
    },
    spread(byDocument) {
      const spread = new Int32Array(count);
      for (const document of documents.keys()) {
        spread.fill(byDocument[document] ?? -1, firsts[document], firsts[document + 1]);
      }
      return spread;
    },
  };
}

/** Returns the place of the last of some growing numbers that is at most `value`; documents without windows are passed over. */
function lastAtMost(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? Infinity) <= value) low = middle;
    else high = middle;
  }
  return low;
}
