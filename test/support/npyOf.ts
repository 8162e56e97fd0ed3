import { readFileSync } from 'node:fs';

/** Reads an `.npy` version 1.0 by the letter of its format, independently of our reader. */
export function openNpyFile(path: string): { descr: string; shape: string; bytes: number[] } {
  const file = readFileSync(path);
  const headerSize = file.readUInt16LE(8);
  const header = file.subarray(10, 10 + headerSize).toString('latin1');
  const [, descr = ''] = /'descr': '([^']*)'/.exec(header) ?? [];
  const [, shape = ''] = /'shape': (\([^)]*\))/.exec(header) ?? [];
  return { descr, shape, bytes: [...file.subarray(10 + headerSize)] };
}
