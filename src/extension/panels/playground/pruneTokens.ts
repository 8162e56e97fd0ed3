import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { tokensFileName } from '../../../protocol/generatedText.js';

/** A deleted result can be brought back for a day; what it rests on stays as long. */
const keptMs = 24 * 3600 * 1000;

/** What decides which tokens stay. */
export interface PruneOptions {
  /** Whether a result, or a run under way, names a file as its data. */
  readonly isNamed: (dataPath: string) => boolean;
  readonly now: Date;
}

/**
 * Removes the tokens, written for questions of a playground, that no result rests on any more: a folder each inside `dir`. What was
 * written within a day stays, and what cannot be removed does.
 */
export async function pruneTokens(dir: string, { isNamed, now }: PruneOptions): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const folder = join(dir, entry.name);
    const dataPath = join(folder, tokensFileName);
    if (!entry.isDirectory() || isNamed(dataPath)) continue;
    // Without the file nothing can be run on it; then its folder's time counts.
    const facts = await stat(dataPath).catch(() => stat(folder).catch(() => undefined));
    if (facts === undefined || now.getTime() - facts.mtimeMs < keptMs) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
