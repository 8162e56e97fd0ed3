import { analyses } from '../../src/analyses/registry.js';
import {
  type Analysis,
  type PaperRow,
  type QuestionId,
  questionTitles,
} from '../../src/analyses/analysis.js';
import { blockPapers } from '../../src/onnx/blocks/blockTable.js';
import type { Setting } from '../../src/protocol/settings.js';
import type { HoldingTest } from './holdingTests.js';
import { type ListedPaper, listedPapers } from './paperList.js';
import { samplesByUse } from './samples.js';

/** A paper's row with the analysis that it is a row of. */
interface Use {
  readonly analysis: Analysis;
  readonly row: PaperRow;
}

/**
 * Returns the page of papers: what each became, how it is run in the editor and on the command line, which test shows that
 * it holds, and what it cannot do.
 *
 * @throws Error when an analysis names a paper that is not listed or calls it otherwise, or a paper has a row and no test.
 */
export function papersPage(tests: readonly HoldingTest[]): string {
  const listed = Object.values(listedPapers).flat();
  checkTitles(listed);
  const built = listed.filter(({ line }) => isRun(line, tests));
  return [
    '# Papers',
    '',
    `The methods come from ${listed.length} papers; ${built.length} of them can be run. Written by \`npm run papers\` from`,
    '`src/analyses/registry.ts`, `scripts/papers/papers.json` and the tests made with `itHolds` (`test/support/papers.ts`); the',
    'number of a paper is the one that tests and analyses give it. In the editor every analysis is a command of the palette, and',
    'an entry of **Run Analysis…** on a model, under its question.',
    '',
    ...(Object.keys(listedPapers) as QuestionId[]).flatMap((question) => sectionOf(question, tests)),
  ].join('\n');
}

function sectionOf(question: QuestionId, tests: readonly HoldingTest[]): string[] {
  const papers = listedPapers[question];
  const missing = papers.filter(({ line }) => !isRun(line, tests));
  return [
    `## ${questionTitles[question]}`,
    '',
    ...papers.flatMap((paper) => paperText(paper, tests)),
    ...(missing.length === 0
      ? []
      : [
          'Not built yet:',
          '',
          ...missing.map(({ line, title, analyses: ids }) => `- ${line}. ${title} (${ids.join(', ')})`),
          '',
        ]),
  ];
}

function paperText(paper: ListedPaper, tests: readonly HoldingTest[]): string[] {
  const uses = usesOf(paper.line);
  const blocks = blockPapers.rows.filter(({ line }) => line === paper.line);
  if (!isRun(paper.line, tests)) return [];
  const shown = tests.filter(({ lines }) => lines.includes(paper.line));
  if (shown.length === 0) throw new Error(`Paper ${paper.line} has a row and no test made with itHolds.`);
  const cited = [...uses.flatMap(({ analysis }) => analysis.papers), ...blockPapers.papers];
  const url = cited.find(({ line, url: address }) => line === paper.line && address !== undefined)?.url;
  const missing = paper.analyses.filter((id) => !isBuilt(id));
  return [
    `### ${paper.line}. ${paper.title}`,
    '',
    ...(url === undefined ? [] : [`<${url}>`, '']),
    ...uses.flatMap(useText),
    ...blocks.flatMap((row) => blockText(row)),
    `- Shown by:`,
    ...shown.map(({ file, title }) => `  - \`${file}\`: “${title}”`),
    ...(missing.length === 0 ? [] : [`- Not built yet: ${missing.map((id) => `\`${id}\``).join(', ')}.`]),
    '',
  ];
}

function useText({ analysis, row }: Use): string[] {
  const settings = Object.entries(row.settings ?? {});
  const chosen = settings.map(([key, value]) => `${titleOf(analysis.settings[key])} ${value}`);
  const flags = settings.map(([key, value]) => ` --set ${quoted(`${key}=${value}`)}`).join('');
  const data = analysis.needs.data === 'none' ? '' : ' --data DATA';
  return [
    `- \`${analysis.id}\``,
    `  - Editor: **${analysis.title}…**${chosen.length === 0 ? '' : ` with ${chosen.join(', ')}`}`,
    `  - Command line: \`neuron-inspector run ${analysis.id} MODEL${data}${flags}\``,
    ...sampleText(
      row.line,
      analysis.id,
      (model, file) => `run ${analysis.id} ${model} --data ${file}${flags}`,
    ),
    `  - Limits: ${row.limits}`,
  ];
}

/** The command on a sample model of this repository, where one shows what became of the paper. */
function sampleText(line: number, id: string, commandOn: (model: string, file: string) => string): string[] {
  const sample = samplesByUse[line]?.[id];
  if (sample === undefined) return [];
  const stem = `sample-models/${sample}/${sample}`;
  return [`  - On a sample: \`node dist/cli.js ${commandOn(`${stem}.onnx`, `${stem}.inspect.json`)}\``];
}

/** An argument as a shell takes it. */
function quoted(argument: string): string {
  return /[\s;*?]/.test(argument) ? `"${argument}"` : argument;
}

/** A block is no analysis: it is named wherever layers are. */
function blockText({ line, limits }: Pick<PaperRow, 'line' | 'limits'>): string[] {
  return [
    '- Blocks, recognised in the graph',
    '  - Editor: **Inspect Model**, in the list of layers and in the tree of models',
    '  - Command line: `neuron-inspector inspect MODEL`',
    ...sampleText(line, 'inspect', (model) => `inspect ${model}`),
    `  - Limits: ${limits}`,
  ];
}

/** Whether something can be run for a paper: an analysis, or a block whose recognition a test shows. */
function isRun(line: number, tests: readonly HoldingTest[]): boolean {
  const isBlock = blockPapers.rows.some((row) => row.line === line);
  return usesOf(line).length > 0 || (isBlock && tests.some(({ lines }) => lines.includes(line)));
}

function titleOf(setting: Setting | undefined): string {
  if (setting === undefined) throw new Error('A row sets what its analysis does not have.');
  return setting.title;
}

function usesOf(line: number): Use[] {
  return analyses.flatMap((analysis) =>
    analysis.rows.filter((row) => row.line === line).map((row) => ({ analysis, row })),
  );
}

function isBuilt(id: string): boolean {
  return id === 'blocks' ? blockPapers.rows.length > 0 : analyses.some((analysis) => analysis.id === id);
}

/** An analysis may not cite a paper of the list under another title. */
function checkTitles(listed: readonly ListedPaper[]): void {
  const titles = new Map(listed.map(({ line, title }) => [line, title]));
  for (const { id, papers } of analyses) {
    for (const { line, title } of papers) {
      if (line === undefined) continue;
      const expected = titles.get(line);
      if (expected === undefined) throw new Error(`${id} cites paper ${line}, which is not listed.`);
      if (plain(title) !== plain(expected)) {
        throw new Error(`${id} calls paper ${line} “${title}”, not “${expected}”.`);
      }
    }
  }
}

/** A title without what typesetting changes. */
function plain(title: string): string {
  return title.replaceAll('’', "'").replaceAll(/[–-]+/g, '-').toLowerCase();
}
