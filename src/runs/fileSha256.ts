import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Larger files are not hashed within a run: 512 MB take about half a second, a report is no place to wait longer. */
export const maxHashedBytes = 512 * 1024 * 1024;

/** Returns the SHA-256 of a file in hex, streamed while other work goes on; undefined for files over 512 MB. */
export async function fileSha256(path: string, sizeBytes: number): Promise<string | undefined> {
  if (sizeBytes > maxHashedBytes) return undefined;
  const hash = createHash('sha256');
  // Elements are buffers as long as no encoding is set.
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
