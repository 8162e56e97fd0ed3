import type { TableBlock } from '../../protocol/blocks.js';
import type { Finding } from '../../protocol/report.js';
import type { Sides } from './sides.js';

/** The findings of two reports. */
export interface FindingChanges {
  readonly onlyBefore: readonly Finding[];
  readonly onlyAfter: readonly Finding[];
  /** As the newer report has them. */
  readonly inBoth: readonly Finding[];
}

/**
 * Returns which findings went, came and stayed. The same thing is found twice when place, severity and words agree; the
 * numbers in the words may differ, because a finding that got worse is still that finding.
 */
export function findingChanges({ before, after }: Sides): FindingChanges {
  const old = new Set(before.findings.map(identityOf));
  const now = new Set(after.findings.map(identityOf));
  return {
    onlyBefore: before.findings.filter((finding) => !now.has(identityOf(finding))),
    onlyAfter: after.findings.filter((finding) => !old.has(identityOf(finding))),
    inBoth: after.findings.filter((finding) => old.has(identityOf(finding))),
  };
}

/** Returns the findings as tables, those that came first: they are what a person looks for. */
export function findingTables(changes: FindingChanges, { names }: Sides): TableBlock[] {
  const tables: [string, readonly Finding[]][] = [
    [`New findings (${names[1]})`, changes.onlyAfter],
    [`Findings that are gone (${names[0]})`, changes.onlyBefore],
    ['Findings in both', changes.inBoth],
  ];
  return tables
    .filter(([, findings]) => findings.length > 0)
    .map(([title, findings]) => ({ type: 'table', title, columns: [...columns], rows: findings.map(rowOf) }));
}

const columns: TableBlock['columns'] = [
  { key: 'severity', label: 'Severity', kind: 'text' },
  { key: 'address', label: 'Where', kind: 'address' },
  { key: 'message', label: 'What', kind: 'text' },
  { key: 'advice', label: 'Try', kind: 'text' },
];

function rowOf({ severity, address, message, advice }: Finding): TableBlock['rows'][number] {
  return { severity, address: address ?? null, message, advice };
}

function identityOf({ severity, address, message }: Finding): string {
  const words = message.replace(/[+-]?\d[\d.,]*(e[+-]?\d+)?/gi, '#');
  return `${severity}\n${address ?? ''}\n${words}`;
}
