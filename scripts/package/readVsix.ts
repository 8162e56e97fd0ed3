import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';

/** One file of a VSIX. */
export interface VsixEntry {
  /** As installed: without the leading `extension/`; the package's own two files keep their names. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly compressedBytes: number;
}

/** Lists what a VSIX holds, without unpacking it. */
export function readVsix(file: string): VsixEntry[] {
  const entries: VsixEntry[] = [];
  unzipSync(readFileSync(file), {
    filter: ({ name, originalSize, size }) => {
      entries.push({
        path: name.replace(/^extension\//, ''),
        sizeBytes: originalSize,
        compressedBytes: size,
      });
      return false;
    },
  });
  return entries;
}
