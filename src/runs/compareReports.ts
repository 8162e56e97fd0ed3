import { UserError } from '../base/errors.js';
import type { Block } from '../protocol/blocks.js';
import type { Report } from '../protocol/report.js';
import { findingChanges, type FindingChanges, findingTables } from './comparison/compareFindings.js';
import { type MetricChange, metricChanges, metricTable } from './comparison/compareMetrics.js';
import { originTable, originWarnings } from './comparison/compareOrigins.js';
import { comparedFollowUps } from './comparison/joinParts.js';
import { comparedMaps } from './comparison/joinMaps.js';
import { joinedCharts, joinedTables } from './comparison/joinTables.js';
import { type Sides, sidesOf } from './comparison/sides.js';

/**
 * Returns two reports side by side, as a report: what the runs were told differently, each number with its difference,
 * findings that went and came, and their tables joined by address. The order in which they are given does not matter: the
 * older is the one that is compared with.
 *
 * @throws UserError `reports-not-comparable` when they answer different questions, or one has nothing to compare.
 */
export function compareReports(first: Report, second: Report): Report {
  checkComparable(first, second);
  const sides = sidesOf(first, second);
  const { before, after } = sides;
  const metrics = metricChanges(sides);
  const findings = findingChanges(sides);
  const isSameModel = before.model.name === after.model.name;
  return {
    ...after,
    question: `What changed? ${after.question}`,
    title: `${after.title}, compared`,
    summary: summaryOf(metrics, findings, sides),
    status: 'complete',
    model: {
      ...after.model,
      name: isSameModel ? after.model.name : `${before.model.name} → ${after.model.name}`,
    },
    provider: before.provider === after.provider ? after.provider : `${before.provider} → ${after.provider}`,
    durationMs: before.durationMs + after.durationMs,
    metrics: {},
    evidence: {},
    findings: [],
    arrays: {},
    blocks: blocksOf(metrics, findings, sides),
    papers: [],
    warnings: originWarnings(sides),
    followUps: comparedFollowUps(sides),
  };
}

function blocksOf(metrics: readonly MetricChange[], findings: FindingChanges, sides: Sides): Block[] {
  const origins = originTable(sides);
  const same: Block = { type: 'markdown', text: 'Both runs were told the same, about the same model.' };
  return [
    // When they were made always differs.
    ...(origins.rows.length === 1 ? [same] : []),
    origins,
    ...comparedMaps(sides),
    metricTable(metrics, sides),
    ...findingTables(findings, sides),
    ...joinedCharts(sides),
    ...joinedTables(sides),
  ];
}

/** One sentence: the first number that changed, and how many findings went and came. */
function summaryOf(metrics: readonly MetricChange[], findings: FindingChanges, { names }: Sides): string {
  const changed = metrics.filter(({ isChanged }) => isChanged);
  const [first] = changed;
  const numbers =
    first === undefined
      ? 'No number differs'
      : `${first.label} went from ${first.before} (${names[0]}) to ${first.after} (${names[1]}), ${first.change}`;
  const more = changed.length > 1 ? `; ${String(changed.length - 1)} more differ` : '';
  return `${numbers}${more}. ${findingsText(findings)}`;
}

function findingsText({ onlyBefore, onlyAfter, inBoth }: FindingChanges): string {
  if (onlyBefore.length + onlyAfter.length === 0) {
    return inBoth.length === 0 ? 'Neither found anything to worry about.' : 'The findings are the same.';
  }
  const gone = counted(onlyBefore.length);
  return `${gone.charAt(0).toUpperCase()}${gone.slice(1)} gone, ${counted(onlyAfter.length)} new.`;
}

function counted(count: number): string {
  return count === 0 ? 'no finding is' : `${String(count)} finding${count === 1 ? ' is' : 's are'}`;
}

function checkComparable(first: Report, second: Report): void {
  if (first.analysis !== second.analysis) {
    throw notComparable(
      `one is of ${first.analysis}, the other of ${second.analysis}. Choose two reports of the same analysis.`,
    );
  }
  const empty = [first, second].find(
    ({ metrics, blocks }) => Object.keys(metrics).length === 0 && blocks.length === 0,
  );
  if (empty !== undefined) {
    throw notComparable(
      `the ${empty.status} one of ${empty.createdAt} holds no numbers. Choose one that ran to its end.`,
    );
  }
}

function notComparable(reason: string): UserError {
  return new UserError('reports-not-comparable', `These reports cannot be compared: ${reason}`);
}
