import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Preface, ReportDraft } from '../analyses/analysis.js';
import { messageOf } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { ensureFolder, writeFileAtomic } from './outputFiles.js';

/** An answer as it is kept: without the parts of an answer that itself put others together. */
export interface KeptAnswer {
  readonly draft: Omit<ReportDraft, 'parts'>;
  readonly preface: Preface;
  readonly provider: string;
  readonly runtimeVersion: string;
  readonly durationMs: number;
}

/** Answers in a folder, by all that they depend on. */
export interface KeptAnswers {
  /** Returns the answer under a key; undefined where there is none, or none that can be read. */
  find(key: string): KeptAnswer | undefined;
  /** Keeps an answer. A folder that cannot be written costs the memory of it and nothing else. */
  keep(key: string, answer: KeptAnswer): void;
}

const ending = '.answer';

/** Of all answers of a folder together; those used longest ago go first. */
const maxBytes = 256 * 1024 * 1024;

/** Returns the answers of a folder, which is made when the first is kept. */
export function keptAnswersIn(folder: string, log: Logger): KeptAnswers {
  const pathOf = (key: string): string =>
    join(folder, createHash('sha256').update(key).digest('hex') + ending);
  return {
    find(key) {
      const path = pathOf(key);
      try {
        // Written by `keep` under a name that no other key gives.
        const answer = deserialize(readFileSync(path)) as KeptAnswer;
        const now = new Date();
        utimesSync(path, now, now);
        return answer;
      } catch (error) {
        log.debug(`No answer is kept as ${path}: ${messageOf(error)}`);
        return undefined;
      }
    },
    keep(key, answer) {
      try {
        ensureFolder(folder);
        writeFileAtomic(pathOf(key), serialize(answer));
        dropOldest(folder);
      } catch (error) {
        log.warn(`An answer was not kept: ${messageOf(error)}`);
      }
    },
  };
}

function dropOldest(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => ({ path: join(folder, name), facts: statSync(join(folder, name)) }))
    .sort((a, b) => b.facts.mtimeMs - a.facts.mtimeMs);
  let bytes = 0;
  for (const { path, facts } of files) {
    bytes += facts.size;
    if (bytes > maxBytes) rmSync(path, { force: true });
  }
}
