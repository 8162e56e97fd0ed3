import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileStamp } from '../../../protocol/structure.js';
import type { UnitProfile } from '../../../protocol/units.js';

/** Which measurement is meant. */
export interface ProfileKey {
  readonly modelPath: string;
  readonly dataPath: string;
  /** Lasting form of the neuron's address. */
  readonly address: string;
}

/** A measurement as it is kept, with what it rests on: all of it the same today means that it still holds. */
export interface StoredProfile {
  readonly profile: UnitProfile;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly modelStamp: FileStamp;
  /** Text that changes when the data do. */
  readonly dataStamp: string;
  /** What was asked besides, as text to compare. */
  readonly settings: string;
}

/** How long the last measurement on some data took. */
export interface ProfileTiming {
  readonly address: string;
  readonly durationMs: number;
  readonly sampleCount: number;
  /** Samples the data hold. */
  readonly sampleTotal: number;
}

/** What the store may take of the disk. */
export interface ProfileLimits {
  readonly fileCount: number;
  readonly sizeBytes: number;
}

const defaultLimits: ProfileLimits = { fileCount: 500, sizeBytes: 200_000_000 };

/** Layout of the files; another one is measured again. */
const version = 1;

/**
 * Measured neurons in files of the workspace's storage: a folder for a model with its data, a file for a neuron. What
 * was not looked at for longest goes first when it grows over its limits.
 */
export class ProfileStore {
  private readonly dir: string;
  private readonly limits: ProfileLimits;

  constructor(dir: string, limits: ProfileLimits = defaultLimits) {
    this.dir = dir;
    this.limits = limits;
  }

  /** Returns the newest measurement of a neuron, or undefined when there is none or its file is damaged. */
  async load(key: ProfileKey): Promise<StoredProfile | undefined> {
    const file = this.fileOf(key);
    const entry = await readEntry(file);
    if (!isProfileEntry(entry) || entry.address !== key.address) return undefined;
    // What is looked at stays; a file system that keeps no times only loses the order in which files go.
    await utimes(file, new Date(), new Date()).catch(() => undefined);
    return entry.stored;
  }

  /** Keeps a measurement; resolves when it is on disk, rejects when the disk is full or read-only. */
  async save(key: ProfileKey, stored: StoredProfile): Promise<void> {
    const { profile } = stored;
    const { durationMs, sampleCount, sampleTotal } = profile;
    const timing: ProfileTiming = { address: key.address, durationMs, sampleCount, sampleTotal };
    await mkdir(this.folderOf(key), { recursive: true });
    await writeEntry(this.fileOf(key), { version, address: key.address, stored });
    await writeEntry(this.timingFileOf(key), { version, timing });
    await this.prune();
  }

  /** Returns how long the last measurement of any neuron on these data took. */
  async timing(key: Omit<ProfileKey, 'address'>): Promise<ProfileTiming | undefined> {
    const entry = await readEntry(this.timingFileOf(key));
    return isTimingEntry(entry) ? entry.timing : undefined;
  }

  private folderOf({ modelPath, dataPath }: Omit<ProfileKey, 'address'>): string {
    return join(this.dir, hashOf(`${modelPath}\n${dataPath}`));
  }

  private fileOf(key: ProfileKey): string {
    return join(this.folderOf(key), `${hashOf(key.address)}.json`);
  }

  private timingFileOf(key: Omit<ProfileKey, 'address'>): string {
    return join(this.folderOf(key), 'timing.json');
  }

  private async prune(): Promise<void> {
    const files = await profileFiles(this.dir);
    files.sort((a, b) => a.usedMs - b.usedMs);
    let count = files.length;
    let size = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    for (const file of files) {
      if (count <= this.limits.fileCount && size <= this.limits.sizeBytes) return;
      await rm(file.path, { force: true });
      count--;
      size -= file.sizeBytes;
    }
  }
}

interface ProfileFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

async function profileFiles(dir: string): Promise<ProfileFile[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json') && entry.name !== 'timing.json')
    .map((entry) => join(entry.parentPath, entry.name));
  const files = await Promise.all(
    paths.map(async (path) => {
      // One that another window has just deleted counts no more.
      const found = await stat(path).catch(() => undefined);
      return found === undefined ? [] : [{ path, sizeBytes: found.size, usedMs: found.mtimeMs }];
    }),
  );
  return files.flat();
}

async function readEntry(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch {
    // Not there, or cut short: measured again, and written over.
    return undefined;
  }
}

/** Written beside and moved into place, so that a second window never reads half of it. */
async function writeEntry(file: string, entry: object): Promise<void> {
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, JSON.stringify(entry));
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function isProfileEntry(entry: unknown): entry is { address: string; stored: StoredProfile } {
  return isOfVersion(entry) && 'address' in entry && 'stored' in entry;
}

function isTimingEntry(entry: unknown): entry is { timing: ProfileTiming } {
  return isOfVersion(entry) && 'timing' in entry;
}

function isOfVersion(entry: unknown): entry is object {
  return typeof entry === 'object' && entry !== null && 'version' in entry && entry.version === version;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
