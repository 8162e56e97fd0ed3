import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import { withoutFolders } from '../base/withoutFolders.js';
import type { Report } from '../protocol/report.js';
import type { CodePlace } from '../runs/code/findingPlaces.js';
import { toJunit } from '../runs/export/junit.js';
import { toSarif } from '../runs/export/sarif.js';
import { partFileName } from '../runs/partFileName.js';
import { checkFolder, checkWritable, writeFileAtomic } from '../runs/outputFiles.js';
import type { Judgement } from '../runs/thresholds.js';
import type { ParsedArguments } from './arguments.js';

/** Where the results of a run go besides stdout. */
export interface Outputs {
  readonly report: string | undefined;
  readonly arrays: string | undefined;
  /** Folder of kept answers. */
  readonly cache: string | undefined;
  readonly sarif: string | undefined;
  readonly junit: string | undefined;
}

/** What a run leaves behind. */
export interface RunResults {
  readonly report: Report;
  /** Reports of their own that the report puts together: written beside it. */
  readonly parts: readonly Report[];
  readonly judgements: readonly Judgement[];
  /** Lines of the training code that make the layers of findings, by address. */
  readonly places: ReadonlyMap<string, CodePlace>;
  readonly error: Error | undefined;
}

/** Returns the outputs that were asked for. */
export function outputsOf(args: ParsedArguments): Outputs {
  return {
    report: args.text('report'),
    arrays: args.text('arrays'),
    cache: args.text('cache'),
    sarif: args.text('sarif'),
    junit: args.text('junit'),
  };
}

/**
 * Checks every output before the run, so that no result is lost to a typing error.
 *
 * @throws UserError as `checkWritable` does; `same-output` when two outputs are one file.
 */
export function checkOutputs({ report, arrays, cache, sarif, junit }: Outputs): void {
  const files = [report, sarif, junit].filter((path) => path !== undefined);
  const distinct = new Set(files.map((path) => resolve(path)));
  if (distinct.size < files.length) {
    throw new UserError('same-output', '--report, --sarif and --junit must name different files.');
  }
  for (const path of files) checkWritable(path);
  for (const path of [arrays, cache]) if (path !== undefined) checkFolder(path);
}

/**
 * Writes the outputs. A report that cannot be written where it should be is saved in the temporary folder.
 *
 * @throws UserError as `writeFileAtomic` does.
 */
export function writeOutputs(outputs: Outputs, results: RunResults): void {
  const { report, parts, judgements, error, places } = results;
  if (outputs.report !== undefined) {
    const path = outputs.report;
    // The report lists its parts in the order in which they come.
    const files = (report.parts ?? []).map((part) => partPath(path, partFileName(part)));
    for (const [index, part] of parts.entries()) {
      writeReport(files[index] ?? partPath(path, part.analysis), part);
    }
    writeReport(path, parts.length === 0 ? report : withFiles(report, files));
  }
  if (outputs.sarif !== undefined) {
    writeFileAtomic(outputs.sarif, toSarif(report, judgements, { baseDir: process.cwd(), code: places }));
  }
  if (outputs.junit !== undefined) {
    const text = toJunit(report, judgements, error);
    // Such files are published, and read where there is no such folder.
    writeFileAtomic(outputs.junit, withoutFolders(text, [process.cwd()]));
  }
}

/** Returns the file of a part beside its report: `x.nireport.json` → `x.dead-neurons.nireport.json`. */
function partPath(reportPath: string, name: string): string {
  const [, stem = reportPath, ending = ''] = /^(.*?)((?:\.nireport)?\.json)$/i.exec(reportPath) ?? [];
  return `${stem}.${name}${ending}`;
}

/** Returns the report with the files of its parts. */
function withFiles(report: Report, files: readonly string[]): Report {
  if (report.parts === undefined) return report;
  return {
    ...report,
    parts: report.parts.map((part, index) => ({ ...part, file: basename(files[index] ?? '') })),
  };
}

function writeReport(path: string, report: Report): void {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  try {
    writeFileAtomic(path, text);
  } catch (error) {
    const rescue = join(tmpdir(), `${process.pid}-${basename(path)}`);
    if (!(error instanceof UserError) || !tryToWrite(rescue, text)) throw error;
    throw new UserError(error.code, `${error.message} The report was saved as ${rescue} instead.`, {
      kind: error.kind,
      cause: error,
      detail: { ...error.detail, savedAs: rescue },
    });
  }
}

function tryToWrite(path: string, text: string): boolean {
  try {
    writeFileAtomic(path, text);
    return true;
  } catch {
    return false;
  }
}
