import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { debianPackage } from './debianPackage.js';

/**
 * Returns Jane Austen's six novels as text, a line a paragraph, from the Debian package that ships them for R.
 *
 * R keeps each novel as a vector of lines: a length, then a zlib stream of its serialisation format, version 3, big endian.
 */
export function readAusten(): readonly string[] {
  const dir = join(debianPackage('r-cran-janeaustenr'), 'usr/lib/R/site-library/janeaustenr/data');
  const bytes = readFileSync(join(dir, 'Rdata.rdb'));
  const novels: string[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const { buffer, usedCount } = inflateAt(bytes, offset + 4);
    novels.push(paragraphsOf(linesOf(buffer)));
    offset += 4 + usedCount;
  }
  return novels;
}

function inflateAt(bytes: Buffer, offset: number): { buffer: Buffer; usedCount: number } {
  // The typings leave out what `info` adds: the engine, which counts the bytes it has read.
  const { buffer, engine } = inflateSync(bytes.subarray(offset), { info: true }) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  return { buffer, usedCount: engine.bytesWritten };
}

const characterVector = 16;

function linesOf(serialized: Buffer): string[] {
  // 'X\n', three versions, the length of the encoding's name, the name.
  let at = 18 + serialized.readInt32BE(14);
  const next = (): number => {
    at += 4;
    return serialized.readInt32BE(at - 4);
  };
  if ((next() & 0xff) !== characterVector) throw new Error('The novel is no vector of lines.');
  const count = next();
  return Array.from({ length: count }, () => {
    next();
    const length = next();
    at += length;
    return serialized.toString('utf8', at - length, at);
  });
}

/** Joins the lines of each paragraph. */
function paragraphsOf(lines: readonly string[]): string {
  return lines
    .join('\n')
    .split(/\n\s*\n/u)
    .map((paragraph) => paragraph.replaceAll(/\s+/gu, ' ').trim())
    .filter((paragraph) => paragraph !== '')
    .join('\n');
}
