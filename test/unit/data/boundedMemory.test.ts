import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cutDocuments } from '../../../src/data/text/textWindows.js';
import { rootDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const mebibyte = 1 << 20;

describe('a corpus larger than memory', () => {
  const folder = useTemporaryFolder();

  it('is read and its n-grams are counted in a heap of 48 MB', () => {
    const path = join(folder(), 'long.txt');
    const file = openSync(path, 'w');
    const block = Buffer.from('ab cd '.repeat(mebibyte / 6));
    for (let count = 0; count < 96; count++) writeSync(file, block);
    closeSync(file);
    const script = join(rootDir, 'test', 'support', 'boundedMemory.ts');
    const ngramCount = 2_000_000;
    const text = execFileSync(
      process.execPath,
      ['--max-old-space-size=48', '--import', 'tsx', script, path, String(ngramCount)],
      { encoding: 'utf8', cwd: rootDir },
    );
    const seen = JSON.parse(text) as {
      readonly tokenCount: number;
      readonly windowCount: number;
      readonly rows: readonly (readonly number[])[];
      readonly heldCount: number;
      readonly oftenCount: number;
      readonly missedCount: number;
      readonly grownBytes: number;
    };
    // Pieces may end within a pair: less than one token of each 64 kB.
    const [bytes, pieceCount] = [statSync(path).size, (96 * mebibyte) / 65_000];
    assert.ok(Math.abs(seen.tokenCount - bytes / 2) <= pieceCount);
    assert.equal(seen.windowCount, Math.floor(seen.tokenCount / 16));
    assert.deepEqual(
      seen.rows.map((row) => row.length),
      [16, 16, 16],
    );
    assert.deepEqual(
      seen.rows[0],
      [...Array(16).keys()].map((at) => 'ab cd '.charCodeAt((2 * at) % 6)),
    );
    assert.ok(seen.heldCount <= 64);
    assert.ok(seen.oftenCount <= ngramCount / 2 && seen.oftenCount + seen.missedCount >= ngramCount / 2);
    // Its tokens alone would be 192 MB, its windows and its n-grams hundreds more.
    assert.ok(seen.grownBytes < 96 * mebibyte, `${String(seen.grownBytes / mebibyte)} MB`);
  }).timeout(30_000);
});

describe('cutting texts into rows', () => {
  /** As a loop says it. */
  function byHand(tokenCount: number, plan: Parameters<typeof cutDocuments>[1]): [number, number][] {
    const { contentLength, hop, isPadded, isFixed } = plan;
    const rows: [number, number][] = [];
    for (let start = 0; start < tokenCount; start += hop) {
      const end = Math.min(start + contentLength, tokenCount);
      const isShort = end - start < contentLength;
      if (isShort && !isPadded && (isFixed || tokenCount > contentLength)) break;
      rows.push([start, end]);
      if (end === tokenCount) break;
    }
    return rows;
  }

  it('gives every row that a loop over the texts gives, for rows that overlap, touch and leave gaps', () => {
    for (const hop of [1, 3, 4, 6]) {
      for (const isPadded of [false, true]) {
        for (const isFixed of [false, true]) {
          const plan = { contentLength: 4, hop, isPadded, isFixed };
          const counts = [0, 1, 3, 4, 5, 0, 7, 8, 11, 12, 13, 0];
          const documents = counts.map((tokenCount, at) => ({
            id: String(at),
            tokens: { tokenCount, read: () => Promise.resolve(new Int32Array()) },
          }));
          const { windows } = cutDocuments(documents, plan);
          const expected = counts.flatMap((count, document) =>
            byHand(count, plan).map(([start, end]) => ({ document, start, end })),
          );
          const rows = Array.from({ length: windows.count }, (_, index) => {
            const { document, start, end } = windows.at(index)!;
            return { document, start, end };
          });
          assert.deepEqual(rows, expected);
          assert.equal(windows.at(windows.count), undefined);
          assert.deepEqual(
            [...windows.spread(counts)],
            expected.map(({ document }) => counts[document]),
          );
        }
      }
    }
  });
});
