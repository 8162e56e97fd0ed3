import { UserError } from '../../base/errors.js';
import type { Report } from '../../protocol/report.js';
import type { Judgement } from '../thresholds.js';
import { escapeXml } from './escape.js';

/**
 * Returns a run as JUnit XML: one test case for the run itself and one per threshold; findings are its output.
 *
 * A test fails exactly where the exit code would say so: findings alone fail nothing.
 */
export function toJunit(report: Report, judgements: readonly Judgement[], error?: Error): string {
  const crossedCount = judgements.filter((judgement) => judgement.isCrossed).length;
  const hasRunError = error !== undefined || report.status === 'failed' || report.status === 'cancelled';
  const counts = attributes({
    name: `${report.analysis} ${report.model.name}`,
    tests: judgements.length + 1,
    failures: crossedCount,
    errors: hasRunError ? 1 : 0,
    skipped: 0,
    time: (report.durationMs / 1000).toFixed(3),
    timestamp: report.createdAt,
  });
  const className = `neuron-inspector.${report.analysis}`;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite ${counts}>`,
    ...runCase(report, className, error),
    ...judgements.flatMap((judgement) => thresholdCase(judgement, className)),
    `    <system-out>${escapeXml(outputOf(report))}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function runCase(report: Report, classname: string, error: Error | undefined): string[] {
  const head = `    <testcase ${attributes({ classname, name: 'run', time: (report.durationMs / 1000).toFixed(3) })}`;
  if (error === undefined && report.status !== 'failed' && report.status !== 'cancelled') {
    return [`${head}/>`];
  }
  const message = error?.message ?? `The run was ${report.status}.`;
  const type = error instanceof UserError ? error.code : report.status;
  return [`${head}>`, `      <error ${attributes({ message, type })}/>`, '    </testcase>'];
}

function thresholdCase({ threshold, isCrossed, reason }: Judgement, classname: string): string[] {
  const head = `    <testcase ${attributes({ classname, name: `not ${threshold.text}`, time: '0' })}`;
  if (!isCrossed) return [`${head}/>`];
  return [
    `${head}>`,
    `      <failure ${attributes({ message: reason, type: 'threshold' })}/>`,
    '    </testcase>',
  ];
}

function outputOf(report: Report): string {
  const findings = report.findings.map(({ severity, address, message, advice }) =>
    [`${severity}:`, ...(address === undefined ? [] : [`${address}:`]), message, advice].join(' '),
  );
  return [report.summary, ...report.warnings.map((warning) => `warning: ${warning}`), ...findings].join('\n');
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escapeXml(String(value))}"`)
    .join(' ');
}
