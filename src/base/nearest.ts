/**
 * Returns the candidates that look most like a mistyped word, best first; empty when none is close.
 *
 * Close means at most a third of the longer word edited (insert, delete, replace, swap neighbours), or one starting
 * with the other. Case is ignored. Cost is words × candidates, so it is for lists of hundreds, not millions.
 */
export function nearest(word: string, candidates: readonly string[], count = 3): string[] {
  const wanted = word.toLowerCase();
  const scored: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    const other = candidate.toLowerCase();
    const distance = editDistance(wanted, other);
    const isPrefix = wanted.length >= 3 && (other.startsWith(wanted) || wanted.startsWith(other));
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, other.length) / 3));
    if (isPrefix || distance <= limit) scored.push({ candidate, distance });
  }
  scored.sort((a, b) => a.distance - b.distance || a.candidate.localeCompare(b.candidate, 'en'));
  return scored.slice(0, count).map((entry) => entry.candidate);
}

/** Returns ` Did you mean "x" or "y"?`, or an empty string when nothing is close. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const close = nearest(word, candidates);
  if (close.length === 0) return '';
  return ` Did you mean ${close.map((name) => `"${name}"`).join(' or ')}?`;
}

/** Optimal string alignment distance: three rows of the usual table are enough. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + substitution);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, at(beforeLast, j - 2) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
