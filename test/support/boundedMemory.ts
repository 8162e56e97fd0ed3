// Run in a process of its own with a small heap, by test/unit/data/boundedMemory.test.ts: reads a few rows of a text that is far
// larger than the memory allowed, and tallies millions of different n-grams. Prints what was seen, and how much the resident
// memory has grown.
import { fileSource } from '../../src/data/byteSource.js';
import { openTokenFile } from '../../src/data/text/tokenFile.js';
import { cutDocuments } from '../../src/data/text/textWindows.js';
import type { Tokenizer } from '../../src/data/text/tokenizer.js';
import { CoverSearch } from '../../src/analyses/health/tokens/tallies.js';

/** One token for every two characters: as many as any tokenizer makes, in no time. */
function encode(text: string): Int32Array {
  const ids = new Int32Array(text.length >> 1);
  for (let at = 0; at < ids.length; at++) ids[at] = text.charCodeAt(2 * at);
  return ids;
}
const tokenizer = { encode, textOf: () => 'a' } as unknown as Tokenizer;

const [path = '', ngramCount = '0'] = process.argv.slice(2);
const before = process.memoryUsage.rss();
const tokens = await openTokenFile(await fileSource(path), tokenizer);
const plan = { contentLength: 16, hop: 16, isPadded: false, isFixed: true };
const { windows } = cutDocuments([{ id: 'long.txt', tokens }], plan);
const rows: number[][] = [];
for (const index of [0, 1, windows.count - 1]) {
  const window = windows.at(index);
  if (window !== undefined) rows.push([...(await tokens.read(window.start, window.end))]);
}
const search = new CoverSearch(Number(ngramCount), { share: 0.95, ngramCount: 5 });
for (let i = 0; i < Number(ngramCount); i++) {
  search.add(i % 2 === 0 ? 'often' : `${String(i)},${String(i + 1)},2`);
}
process.stdout.write(
  JSON.stringify({
    ...{ tokenCount: tokens.tokenCount, windowCount: windows.count, rows },
    ...{
      heldCount: search.counts.size,
      oftenCount: search.counts.get('often'),
      missedCount: search.missedCount,
    },
    grownBytes: process.resourceUsage().maxRSS * 1024 - before,
  }),
);
