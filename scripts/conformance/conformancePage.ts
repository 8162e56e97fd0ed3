import type { ConformanceResult, Verdict } from '../../test/support/conformance.js';

/** The cases of one folder of the test data. */
export interface CaseFolder {
  readonly folder: string;
  readonly results: readonly ConformanceResult[];
  /** Cases that were not read. */
  readonly unread: readonly string[];
}

type Question = 'write' | 'tap' | 'gradient';

const questions: readonly (readonly [question: Question, title: string])[] = [
  ['write', 'parsed and written: the same bits'],
  ['tap', 'everything exposed: the same outputs'],
  ['gradient', 'gradients equal central differences'],
];

/** Returns the report of a run over the conformance cases. */
export function conformancePage(folders: readonly CaseFolder[]): string {
  return [
    '# Conformance',
    '',
    'Every case of the Debian package `libonnx-testdata` (opsets 1 to 17), run three times beside the file itself, and its',
    'gradients checked as `gradient-check` does. Written by `npm run conformance`. Operators of opsets 18 to 26 have no cases',
    'there: `docs/operators.md` tells at which shapes they are compared with central differences.',
    '',
    summary(folders),
    '',
    ...folders.flatMap(tableOf),
    '## What did not pass, and why',
    '',
    ...questions.flatMap(([question, title]) => reasonsOf(folders, question, title)),
    '## What was not tried',
    '',
    ...notTried(folders),
    '',
  ].join('\n');
}

function summary(folders: readonly CaseFolder[]): string {
  const results = folders.flatMap((folder) => folder.results);
  const count = (question: Question, ...statuses: readonly Verdict['status'][]): number =>
    results.filter((result) => statuses.includes(result[question].status)).length;
  const runnable = count('write', 'passed', 'failed', 'missing');
  const differentiable = count('gradient', 'passed', 'failed', 'missing');
  return (
    `Of ${runnable} cases that the runtime runs, ${count('write', 'passed')} give the same bits after they are written and ` +
    `${count('tap', 'passed')} the same outputs with everything exposed. Of ${differentiable} whose gradient can be ` +
    `compared, ${count('gradient', 'passed')} pass.`
  );
}

function tableOf({ folder, results, unread }: CaseFolder): readonly string[] {
  if (results.length === 0 && unread.length === 0) return [];
  const count = (question: Question, status: Verdict['status']): number =>
    results.filter((result) => result[question].status === status).length;
  return [
    `## ${folder}: ${results.length + unread.length} cases`,
    '',
    '| question | passed | failed | missing | not applicable |',
    '| --- | --- | --- | --- | --- |',
    ...questions.map(
      ([question, title]) =>
        `| ${title} | ${count(question, 'passed')} | ${count(question, 'failed')} | ${count(question, 'missing')} | ${count(question, 'not-applicable')} |`,
    ),
    '',
  ];
}

function reasonsOf(folders: readonly CaseFolder[], question: Question, title: string): readonly string[] {
  const lines = folders.flatMap(({ results }) =>
    results
      .filter((result) => result[question].status === 'failed' || result[question].status === 'missing')
      .map((result) => `- \`${result.name}\` (opset ${result.opset}): ${oneLine(result[question].note)}`),
  );
  return [`### ${title}`, '', ...(lines.length === 0 ? ['Everything that applies passed.'] : lines), ''];
}

/** Cases by the reason for which a question does not apply to them. */
function notTried(folders: readonly CaseFolder[]): readonly string[] {
  const byReason = new Map<string, string[]>();
  const add = (reason: string, name: string): void => {
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  };
  for (const { results, unread } of folders) {
    for (const name of unread) add('its inputs or outputs are no tensors, or it has no data', name);
    for (const { name, write, gradient } of results) {
      if (write.status === 'not-applicable') add(oneLine(write.note), name);
      else if (gradient.status === 'not-applicable') {
        add(`no gradient to check: ${oneLine(gradient.note)}`, name);
      }
    }
  }
  return [...byReason]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([reason, names]) => [
      `- ${reason} (${names.length}): ${names.map((name) => `\`${name}\``).join(', ')}`,
    ]);
}

/** A message as the rest of a list's line. */
function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').replaceAll('|', '\\|').trim();
}
