import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { SampleCard } from '../../protocol/units.js';

/** One data set's cards: what trees and hovers show of it in months fits easily. */
const maxFileBytes = 8 * 2 ** 20;

/** Data sets that cards are kept of; the one used longest ago goes first. */
const maxFileCount = 16;

/** The cards of one data set in one state, in memory and in a file. */
export class CardFile {
  private readonly folder: string;
  private readonly path: string;
  private readonly log: Logger;
  /** Oldest first. */
  private readonly cards = new Map<number, { readonly card: SampleCard; readonly sizeBytes: number }>();
  private sizeBytes = 0;

  private constructor(folder: string, path: string, log: Logger) {
    this.folder = folder;
    this.path = path;
    this.log = log;
  }

  /** Reads the cards that are kept under a key; none when there is no such file or it is damaged. */
  static async open(folder: string, key: readonly string[], log: Logger): Promise<CardFile> {
    const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32);
    const file = new CardFile(folder, join(folder, `${name}.json`), log);
    await file.read();
    return file;
  }

  get(index: number): SampleCard | undefined {
    return this.cards.get(index)?.card;
  }

  /** Keeps a card; the oldest ones go when all together are too large. */
  put(card: SampleCard): void {
    const sizeBytes = JSON.stringify(card).length;
    this.drop(card.index);
    this.cards.set(card.index, { card, sizeBytes });
    this.sizeBytes += sizeBytes;
    for (const index of this.cards.keys()) {
      if (this.sizeBytes <= maxFileBytes || index === card.index) return;
      this.drop(index);
    }
  }

  /** Writes the file; a folder that cannot be written is logged, for the cards are still in memory. */
  async save(): Promise<void> {
    const temporary = `${this.path}.${String(process.pid)}.tmp`;
    try {
      await mkdir(this.folder, { recursive: true });
      await writeFile(temporary, JSON.stringify([...this.cards.values()].map(({ card }) => card)));
      await rename(temporary, this.path);
      await removeOldest(this.folder);
    } catch (error) {
      this.log.warn(`Sample cards were not kept in ${this.path}: ${messageOf(error)}`);
    }
  }

  private drop(index: number): void {
    this.sizeBytes -= this.cards.get(index)?.sizeBytes ?? 0;
    this.cards.delete(index);
  }

  private async read(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch {
      return;
    }
    try {
      const parsed: unknown = JSON.parse(text);
      if (!Array.isArray(parsed)) throw new Error('it holds no list');
      for (const card of parsed) if (isSampleCard(card)) this.put(card);
    } catch (error) {
      this.log.warn(`${this.path} is damaged and will be written anew: ${messageOf(error)}`);
    }
  }
}

function isSampleCard(value: unknown): value is SampleCard {
  return (
    typeof value === 'object' &&
    value !== null &&
    'index' in value &&
    Number.isSafeInteger(value.index) &&
    'id' in value &&
    typeof value.id === 'string'
  );
}

async function removeOldest(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  if (names.length <= maxFileCount) return;
  const dated = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
  );
  dated.sort((a, b) => a.time - b.time);
  for (const { name } of dated.slice(0, -maxFileCount)) await rm(join(folder, name), { force: true });
}
