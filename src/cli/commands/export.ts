import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UserError } from '../../base/errors.js';
import { parseReport, type Report } from '../../protocol/report.js';
import { toCsv } from '../../runs/export/csv.js';
import { toMarkdown } from '../../runs/export/markdown.js';
import { checkWritable, writeFileAtomic } from '../../runs/outputFiles.js';
import type { ParsedArguments } from '../arguments.js';
import { type Command, positional } from '../command.js';
import { exitCodes } from '../terminal.js';

/** A report is text: nobody means a file larger than this. */
const maxReportBytes = 1 << 30;

/** `export`: turns a saved report into a page, Markdown or CSV. */
export const exportCommand: Command = {
  name: 'export',
  summary: 'Turn a saved report into HTML, Markdown or CSV.',
  details:
    'The HTML page stands alone: charts and pictures are inside, nothing is loaded, and its only script sorts the tables, says the value of what is clicked and gives the command that asks about it. Several formats may be given at once.',
  positionals: [
    { name: 'REPORT', isRequired: true, description: 'a *.nireport.json written by run … --report' },
  ],
  options: [
    { name: 'html', value: 'OUT', description: 'write an HTML page', complete: 'file' },
    { name: 'markdown', value: 'OUT', description: 'write Markdown', complete: 'file' },
    {
      name: 'csv',
      value: 'OUT',
      description: 'write the tables, metrics and findings as CSV',
      complete: 'file',
    },
  ],
  examples: [
    { line: 'export dead.nireport.json --html dead.html', says: 'a page to send to a colleague' },
    {
      line: 'export dead.nireport.json --csv dead.csv --markdown dead.md',
      says: 'for a spreadsheet and for a pull request',
    },
  ],
  run: async (args: ParsedArguments) => {
    const source = positional(exportCommand, args, 0);
    const targets = formats.flatMap(({ option, convert }) => {
      const path = args.text(option);
      return path === undefined ? [] : [{ path, convert }];
    });
    if (targets.length === 0) {
      throw new UserError('format-missing', 'Say what to write: --html OUT, --markdown OUT or --csv OUT.');
    }
    for (const { path } of targets) {
      if (resolve(path) === resolve(source)) throw sameFile(path);
      checkWritable(path);
    }
    const report = readReport(source);
    for (const { path, convert } of targets) {
      writeFileAtomic(path, await convert(report, dirname(resolve(source))));
    }
    return exitCodes.done;
  },
};

interface Format {
  readonly option: string;
  readonly convert: (report: Report, reportDir: string) => string | Promise<string>;
}

const formats: readonly Format[] = [
  {
    option: 'html',
    convert: async (report, reportDir) => {
      // Charts bring a large library: only whoever needs it waits for it.
      const { toHtml } = await import('../../runs/export/html.js');
      return toHtml(report, reportDir, pageScript());
    },
  },
  { option: 'markdown', convert: toMarkdown },
  { option: 'csv', convert: toCsv },
];

/** Returns the script that sorts the tables of a page: built beside the command line, absent when run from source. */
function pageScript(): string {
  const places = ['./webview/exported.js', '../webview/exported.js'];
  const file = places.map((place) => new URL(place, import.meta.url)).find((url) => existsSync(url));
  return file === undefined ? '' : readFileSync(file, 'utf8').trim();
}

/**
 * Returns the report in a file.
 *
 * @throws UserError `report-unreadable`, `not-a-report`.
 */
function readReport(path: string): Report {
  return parseReport(parseJson(path, readText(path)), path);
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > maxReportBytes) throw new Error('it is larger than 1 GB');
    return bytes.toString('utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(
      'report-unreadable',
      `${path} cannot be read: ${reason}. Pass a file that run … --report FILE wrote.`,
      { cause },
    );
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(
      'not-a-report',
      `${path} is no JSON, so it is no report. Pass a file that run … --report FILE wrote.`,
      { cause },
    );
  }
}

function sameFile(path: string): UserError {
  return new UserError('same-output', `${path} is the report itself. Choose another name to write to.`);
}
