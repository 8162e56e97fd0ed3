import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { SampleCard } from '../../protocol/units.js';
import { CardFile } from './cardFile.js';
import { dataStampOf } from './dataStamp.js';

/** A data set as a model reads it. */
export interface CardSource {
  readonly modelPath: string;
  readonly dataPath: string;
}

/** What cards are read with. */
export interface CardAccess {
  /** Folder that cards are kept in; made when it is missing. */
  readonly folder: string;
  /** Whether the engine may run: not in Restricted Mode. */
  mayAsk(): boolean;
  /** Asks the engine for the cards of samples. */
  ask(source: CardSource, indices: readonly number[]): Promise<readonly SampleCard[]>;
  /** Called when cards came in. */
  changed(): void;
  readonly log: Logger;
}

/** Long enough for a hover to name all its samples, too short to be noticed. */
const gatherMs = 10;

/** After a failure, so that a run that ended the engine does not leave hovers without pictures for good. */
const retryAfterMs = 30_000;

/** The most that one request may name. */
const maxAskedCount = 5000;

interface Shelf {
  readonly source: CardSource;
  readonly wanted: Set<number>;
  /** Samples that the engine has no card for: not asked for again. */
  readonly missing: Set<number>;
  /** The engine failed: nothing is asked before this time. */
  retryAtMs: number;
  file: CardFile | undefined;
  isBusy: boolean;
}

/**
 * Cards of samples, cached in a file per data set and its stamp: looked up without waiting, missing ones asked of the engine
 * in the background and announced by `changed`.
 */
export class SampleCards {
  private readonly access: CardAccess;
  private readonly shelves = new Map<string, Shelf>();

  constructor(access: CardAccess) {
    this.access = access;
  }

  /** Returns the cards that are known, undefined for those that are being fetched or cannot be. */
  cards(source: CardSource, indices: readonly number[]): readonly (SampleCard | undefined)[] {
    const shelf = this.shelfOf(source);
    const isWanted = (index: number): boolean =>
      shelf.file?.get(index) === undefined && !shelf.missing.has(index);
    if (Date.now() >= shelf.retryAtMs) {
      for (const index of indices.filter(isWanted)) shelf.wanted.add(index);
    }
    if (shelf.wanted.size > 0 && !shelf.isBusy) void this.fill(shelf);
    return indices.map((index) => shelf.file?.get(index));
  }

  /** Forgets what is in memory, so that stamps are looked at again and missing samples get another chance. */
  reset(): void {
    this.shelves.clear();
  }

  private shelfOf(source: CardSource): Shelf {
    const key = JSON.stringify([source.modelPath, source.dataPath]);
    let shelf = this.shelves.get(key);
    if (shelf === undefined) {
      shelf = { source, wanted: new Set(), missing: new Set(), retryAtMs: 0, file: undefined, isBusy: false };
      this.shelves.set(key, shelf);
    }
    return shelf;
  }

  private async fill(shelf: Shelf): Promise<void> {
    shelf.isBusy = true;
    try {
      shelf.file ??= await this.open(shelf.source);
      if (dropKnown(shelf.wanted, shelf.file)) this.access.changed();
      await new Promise((resolve) => setTimeout(resolve, gatherMs));
      while (shelf.wanted.size > 0 && this.access.mayAsk()) await this.fetch(shelf, shelf.file);
    } catch (error) {
      this.access.log.warn(`Samples of ${shelf.source.dataPath} cannot be shown: ${messageOf(error)}`);
      shelf.retryAtMs = Date.now() + retryAfterMs;
    } finally {
      shelf.wanted.clear();
      shelf.isBusy = false;
    }
  }

  private async open(source: CardSource): Promise<CardFile> {
    const stamp = await dataStampOf(source.dataPath);
    return CardFile.open(this.access.folder, [source.modelPath, source.dataPath, stamp], this.access.log);
  }

  private async fetch(shelf: Shelf, file: CardFile): Promise<void> {
    const asked = [...shelf.wanted].slice(0, maxAskedCount);
    for (const card of await this.access.ask(shelf.source, asked)) file.put(card);
    for (const index of asked) {
      shelf.wanted.delete(index);
      if (file.get(index) === undefined) shelf.missing.add(index);
    }
    await file.save();
    this.access.changed();
  }
}

function dropKnown(wanted: Set<number>, file: CardFile): boolean {
  const known = [...wanted].filter((index) => file.get(index) !== undefined);
  for (const index of known) wanted.delete(index);
  return known.length > 0;
}
