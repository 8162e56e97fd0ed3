import * as vscode from 'vscode';
import type { AskedRun } from '../../run/runner.js';

/** A report that is kept somewhere. */
export type KeptReport =
  | { readonly kind: 'result'; readonly id: string }
  /** A file, by its URI. */
  | { readonly kind: 'file'; readonly uri: string };

/** What a report page shows, in a form that survives a reload of the window. */
export type ReportOrigin =
  | KeptReport
  /** A run under way; its result will have the same id. */
  | { readonly kind: 'run'; readonly id: string; readonly asked: AskedRun }
  | { readonly kind: 'comparison'; readonly first: KeptReport; readonly second: KeptReport };

/** Returns the same text for the same report: a run and its result are one. */
export function originKey(origin: ReportOrigin): string {
  switch (origin.kind) {
    case 'result':
    case 'run':
      return `result ${origin.id}`;
    case 'file':
      return `file ${origin.uri}`;
    case 'comparison':
      return `comparison of ${originKey(origin.first)} and ${originKey(origin.second)}`;
  }
}

/** Returns the origin in a page's state, or undefined when it is none of ours. */
export function readOrigin(state: unknown): ReportOrigin | undefined {
  const origin = fieldsOf(fieldsOf(state)?.['origin']);
  if (origin?.['kind'] === 'comparison') {
    const first = keptIn(origin['first']);
    const second = keptIn(origin['second']);
    return first === undefined || second === undefined ? undefined : { kind: 'comparison', first, second };
  }
  if (origin?.['kind'] === 'run') {
    const { id, asked } = origin;
    const isWhole =
      typeof id === 'string' &&
      typeof fieldsOf(asked)?.['analysis'] === 'string' &&
      typeof fieldsOf(asked)?.['modelPath'] === 'string';
    // Written by this extension; what a run needs was looked at, and the engine checks the rest.
    return isWhole ? { kind: 'run', id, asked: asked as AskedRun } : undefined;
  }
  return keptIn(origin);
}

/** Returns where the files of a kept report lie. */
export function folderOf(reportUri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(reportUri, '..');
}

/** Returns the kept report that a value names, or undefined. */
export function keptIn(value: unknown): KeptReport | undefined {
  const fields = fieldsOf(value);
  if (fields?.['kind'] === 'result' && typeof fields['id'] === 'string') {
    return { kind: 'result', id: fields['id'] };
  }
  if (fields?.['kind'] === 'file' && typeof fields['uri'] === 'string') {
    return { kind: 'file', uri: fields['uri'] };
  }
  return undefined;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}
